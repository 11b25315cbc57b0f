"""A real Kubernetes control plane, a node that runs pods as processes, and an S3 server.

    with Cluster(folder) as cluster:
        cluster.apply("crds")
        print(cluster.kubectl("get", "nodes"))

No root and no containers. Everything listens on 127.0.0.1 only, and ends with the `with` block or,
should this process be killed, with this process.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from imagejob_dev import controlplane
from imagejob_dev.controlplane import Plan
from imagejob_dev.errors import DevError
from imagejob_dev.guard import Guard
from imagejob_dev.kubeconfig import Access
from imagejob_dev.node import NODE_NAME
from imagejob_dev.ports import free_ports
from imagejob_dev.program import Program
from imagejob_dev.rest import Rest
from imagejob_dev.s3 import S3Server
from imagejob_dev.tools.find import find
from imagejob_dev.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from imagejob_dev.progress import Progress
    from imagejob_dev.rest import Object

T = TypeVar("T")


REPOSITORY = Path(__file__).resolve().parents[2]
CRDS = REPOSITORY / "crds"
MANIFESTS = REPOSITORY / "dev" / "manifests"
OPERATOR_NAMESPACE, OPERATOR = "imagejob-system", "imagejob-operator"  # of dev/manifests
TOKEN_SECONDS = 30 * 24 * 3600
# What only a running cluster needs. Logs stay, for whoever wants to know what happened.
TRANSIENT = ("etcd", "pki", "s3", "s3-metadata", "work")


class Cluster:
    """Not running until it is entered (or `start` is called). `folder` holds all of its state."""

    def __init__(self, folder: Path, progress: Progress | None = None) -> None:
        self.folder = folder.resolve()
        for part in ("log", "pki", "pods"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # it holds tokens and, for running pods, Secrets
        *ports, s3_port = free_ports(6)
        self._plan = Plan(find(progress), self.folder, *ports)
        self._token = secrets.token_hex(24)
        self.rest = Rest(self._plan.api_port, self._plan.certificate, self._token)
        self._access = Access(self._plan.server, self._plan.certificate)
        self._guard = Guard()
        self._set_up_control_plane()
        self.node = self._node()
        self.s3 = S3Server(
            self._plan.programs["versitygw"],
            self.folder / "s3",
            self._plan.log("s3"),
            s3_port,
            self._guard,
        )

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._plan.kubeconfig

    @property
    def kubectl_program(self) -> Path:
        return self._plan.programs["kubectl"]

    @property
    def server(self) -> str:
        return self._plan.server

    @property
    def programs(self) -> tuple[Program, ...]:
        """In the order in which they start."""
        return (
            *(self.etcd, self.apiserver, self.controller_manager, self.scheduler),
            *(self.s3, self.node),
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """All at once, for each waits for what it needs; then wait until each one serves."""
        self._plan.tokens.touch(mode=0o600)
        self._plan.tokens.write_text(f"{self._token},admin,admin,system:masters\n")
        self.etcd.launch()
        self.s3.launch()
        self.apiserver.launch()
        self.apiserver.wait_until(self._plan.certificate.with_suffix(".key").exists, "certified")
        self._access.write(self.kubeconfig, self._token)
        self.apiserver.wait_ready()
        for program in (self.controller_manager, self.scheduler, self.node):
            program.launch()
        for program in self.programs:
            program.wait_ready()

    def stop(self) -> None:
        """End everything and remove all state but the logs."""
        for program in reversed(self.programs):
            program.stop()
        self._guard.close()
        for name in TRANSIENT:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """The output of kubectl as the administrator; DevError with its message if it fails."""
        done = subprocess.run(
            [self.kubectl_program, *arguments],
            env={
                "KUBECONFIG": str(self.kubeconfig),
                "HOME": str(self.folder),
                "PATH": os.defpath,
            },
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DevError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *paths: str | Path) -> str:
        """`kubectl apply` files, or folders of files, with server-side apply."""
        files = [f"--filename={path}" for path in paths]
        return self.kubectl("apply", "--server-side", *files)

    def wait_for(
        self, path: str, found: Callable[[list[Object]], T | None], seconds: float = 20.0
    ) -> T:
        """See `imagejob_dev.waiting.wait_for`."""
        return wait_for(self.rest, path, found, seconds)

    def install(self) -> None:
        """This repository's CRDs, and the operator's account with its rights."""
        if any(CRDS.glob("*.yaml")):
            self.apply(CRDS)
            self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        self.apply(MANIFESTS)

    def kubeconfig_for(self, namespace: str, account: str) -> Path:
        """A kubeconfig of a ServiceAccount, whose token lasts for as long as anyone works on it."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.rest.post(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})
        file = self.folder / f"{namespace}-{account}.kubeconfig"
        return self._access.write(file, answer["status"]["token"], namespace)

    def operator(self, name: str = "operator", **settings: str) -> Program:
        """This checkout's operator under its own account; not started yet.

        `settings` are IMAGEJOB_ variables without the prefix, in lower case. Its output is the log.
        """
        variables = {"worker_image": "imagejob/worker:dev", "instance": name, **settings}
        environment = {f"IMAGEJOB_{key.upper()}": value for key, value in variables.items()}
        kubeconfig = self.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR)
        return Program(
            [sys.executable, "-m", "imagejob_operator"],
            self._plan.log(name),
            self._guard,
            ready=lambda: True,
            environment={"KUBECONFIG": str(kubeconfig), **environment},
            grace=10.0,
        )

    def _set_up_control_plane(self) -> None:
        plan, rest = self._plan, self.rest
        program = partial(Program, guard=self._guard)
        self.etcd = program(controlplane.etcd(plan), plan.log("etcd"), ready=lambda: True)
        self.apiserver = program(
            controlplane.apiserver(plan),
            plan.log("kube-apiserver"),
            ready=lambda: rest.answers("/readyz"),
        )
        self.controller_manager = program(
            controlplane.controller_manager(plan),
            plan.log("kube-controller-manager"),
            # It makes this account, and no pod is admitted before.
            ready=lambda: rest.answers("/api/v1/namespaces/default/serviceaccounts/default"),
        )
        self.scheduler = program(
            controlplane.scheduler(plan), plan.log("kube-scheduler"), ready=lambda: True
        )

    def _node(self) -> Program:
        return Program(
            [
                *(sys.executable, "-m", "imagejob_dev.node"),
                *("--kubeconfig", self.kubeconfig, "--folder", self.folder),
            ],
            self._plan.log("node"),
            self._guard,
            self._node_is_ready,
            grace=5.0,
        )

    def _node_is_ready(self) -> bool:
        path = f"/api/v1/nodes/{NODE_NAME}"
        if not self.rest.answers(path):
            return False
        conditions = self.rest.get(path)["status"].get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
