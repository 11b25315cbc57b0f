"""A cluster's administrator: for a dev cluster and for one that runs already."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from imagejob_dev import command, kubeconfig, policies, waiting
from imagejob_dev.gateways import ACCOUNT, gateway
from imagejob_dev.gateways import PROGRAM as GATEWAY
from imagejob_dev.operators import PROGRAM, WORKER_IMAGE, operator
from imagejob_dev.ports import LOOPBACK
from imagejob_dev.program import Program
from imagejob_dev.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagejob_dev.guard import Guard
    from imagejob_dev.rest import Object, Rest
    from imagejob_dev.s3 import S3Server

T = TypeVar("T")

REPOSITORY = Path(__file__).resolve().parents[2]
CRDS = REPOSITORY / "crds"
CHART = REPOSITORY / "charts" / "imagejob-operator"
GATEWAY_CHART = REPOSITORY / "charts" / "imagejob-gateway"
MANIFESTS = REPOSITORY / "dev" / "manifests"
OPERATOR_NAMESPACE, OPERATOR = "imagejob-system", "imagejob-operator"  # of roles/operator.yaml
TOKEN_SECONDS = 30 * 24 * 3600


class Client(Running):
    """A cluster's administrator, and an S3 server that its pods reach.

    `address` is where pods reach this machine, `worker_image` what their containers are made of,
    `folder` where all that is written goes.
    """

    s3: S3Server
    address: str = LOOPBACK
    worker_image: str = WORKER_IMAGE

    def __init__(
        self, folder: Path, kubectl: Path, kubeconfig: Path, rest: Rest, guard: Guard
    ) -> None:
        self.folder = folder
        self.kubectl_program = kubectl
        self.kubeconfig = kubeconfig
        self.rest = rest
        self._guard = guard

    @abstractmethod
    def pod_log(self, namespace: str, pod: str, container: str) -> str:
        """The output of a container so far."""

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """The output of kubectl as the administrator; DevError with its message if it fails."""
        return command.run([self.kubectl_program, *arguments], self.folder, self.kubeconfig, stdin)

    def apply(self, *paths: str | Path) -> str:
        """`kubectl apply` files, or folders of files, with server-side apply."""
        files = [f"--filename={path}" for path in paths]
        return self.kubectl("apply", "--server-side", *files)

    def wait_for(
        self, path: str, found: Callable[[list[Object]], T | None], seconds: float = 20.0
    ) -> T:
        """See `imagejob_dev.waiting.wait_for`."""
        return waiting.wait_for(self.rest, path, found, seconds)

    def install(self) -> None:
        """This repository's CRDs, roles and policies, and the operator's account with its rights.

        Returns once the policies are in force.
        """
        if any(CRDS.glob("*.yaml")):
            self.apply(CRDS)
            self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        self.apply(MANIFESTS, CHART / "roles", CHART / "policies")
        policies.wait_in_force(self.rest, OPERATOR_NAMESPACE)

    def kubeconfig_for(self, namespace: str, account: str) -> Path:
        """A kubeconfig of a ServiceAccount, whose token lasts a month."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.rest.post(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})
        own = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        config = kubeconfig.for_account(json.loads(own), answer["status"]["token"], namespace)
        return kubeconfig.save(self.folder / f"{namespace}-{account}.kubeconfig", config)

    def operator(
        self,
        name: str = "operator",
        program: Sequence[str | Path] = PROGRAM,
        kubeconfig: Path | None = None,
        **settings: str,
    ) -> Program:
        """This checkout's operator under its own account; not started yet.

        `settings` are IMAGEJOB_ variables without the prefix, in lower case. Its output is the log.
        `program` is the Python program to run in its place, for tests that patch it, and
        `kubeconfig` replaces that of its account.
        """
        account = kubeconfig or self.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR)
        log = self.folder / "log" / f"{name}.log"
        known = {
            "worker_image": self.worker_image,
            "instance": name,
            "internal_cidrs": f"{self.address}/32",
        }
        return operator(account, log, self._guard, known | settings, program=program)

    def gateway(
        self,
        namespace: str,
        settings: Path,
        port: int,
        name: str = "gateway",
        program: Sequence[str | Path] = GATEWAY,
    ) -> Program:
        """This checkout's gateway of a namespace, under the account of its chart; not started yet.

        `settings` is its file, which has it listen on `port` of this machine.
        `program` is the Python program to run in its place, for tests that patch it.
        """
        account = self.kubeconfig_for(namespace, ACCOUNT)
        log = self.folder / "log" / f"{name}.log"
        return gateway(account, log, self._guard, settings, port, program)
