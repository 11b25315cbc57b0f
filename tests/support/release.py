"""The Helm release, on a running cluster."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from imagejob_dev import command, policies
from imagejob_dev.client import CHART, OPERATOR, OPERATOR_NAMESPACE
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client

TIMEOUT = "--timeout=120s"
PODS = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/{OPERATOR}"


class Images(NamedTuple):
    """Image references, as the cluster's nodes know them."""

    operator: str
    worker: str
    gateway: str = ""


class Release:
    """`imagejob-operator`, installed, upgraded, rolled back and removed as by a platform team."""

    def __init__(self, cluster: Client, helm: Path, images: Images) -> None:
        self._cluster = cluster
        self._helm_program = helm
        self.images = images

    def install(self, chart: Path = CHART, images: Images | None = None, **values: Any) -> None:
        """Install a chart, or upgrade to it.

        Returns when every operator is ready and the API server applies the admission policies:
        for some seconds after their creation it rejects all ImageStores.
        """
        shown = images or self.images
        given = {
            "image": values_of(shown.operator),
            "worker": {"image": values_of(shown.worker)},
            **({"stores": self._stores()} if chart == CHART else {}),
            **values,
        }
        into = (f"--namespace={OPERATOR_NAMESPACE}", "--create-namespace")
        options = ("--install", "--wait", TIMEOUT, "--values=-", *into)
        self._helm("upgrade", OPERATOR, str(chart), *options, stdin=json.dumps(given))
        rest = self._cluster.rest
        if rest.answers(policies.POLICY):
            policies.wait_in_force(rest, OPERATOR_NAMESPACE, allowed=self._cluster.s3.endpoint)

    def _stores(self) -> dict[str, list[str]]:
        """The S3 server's own address, and no other that isn't public."""
        return {"internalCidrs": [f"{self._cluster.address}/32"]}

    def rollback(self) -> None:
        """Roll back to the previous revision."""
        self._helm("rollback", OPERATOR, f"--namespace={OPERATOR_NAMESPACE}", "--wait", TIMEOUT)

    def uninstall(self) -> None:
        """Return when all of it is gone."""
        options = ("--ignore-not-found", "--wait", TIMEOUT)
        self._helm("uninstall", OPERATOR, f"--namespace={OPERATOR_NAMESPACE}", *options)

    def pods(self) -> list[dict[str, Any]]:
        """The operators' pods."""
        selector = "?labelSelector=app.kubernetes.io/component=operator"
        found: list[dict[str, Any]] = self._cluster.rest.get(PODS + selector)["items"]
        return found

    def leader(self) -> str:
        """The name of the leading pod; empty if there is none."""
        if not self._cluster.rest.answers(LEASE):
            return ""
        return str(self._cluster.rest.get(LEASE)["spec"].get("holderIdentity", ""))

    def logs(self) -> str:
        """The last lines of all operators' logs."""
        selector = "--selector=app.kubernetes.io/component=operator"
        options = (selector, "--all-containers", "--prefix", "--tail=40", "--ignore-errors")
        return self._cluster.kubectl("logs", f"--namespace={OPERATOR_NAMESPACE}", *options)

    def _helm(self, *arguments: str, stdin: str | None = None) -> str:
        words: list[str | Path] = [self._helm_program, *arguments]
        path = os.environ["PATH"]  # a kubeconfig's own way to log in may be there
        try:
            return command.run(words, self._cluster.folder, self._cluster.kubeconfig, stdin, path)
        except DevError as error:
            raise DevError(f"{error}\n{self.logs()}") from error


def values_of(reference: str) -> dict[str, str]:
    """The chart's values for an image: by digest if the reference has one, else by its tag."""
    name, _, digest = reference.partition("@")
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    return {"repository": repository, "tag": tag, "digest": digest}
