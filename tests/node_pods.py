"""Pods for the process node's tests: made, awaited, looked into."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.cluster import Cluster

Object = dict[str, Any]

REPORT = {"name": "REPORT", "value": "/dev/termination-log"}


def python(code: str) -> list[str]:
    return ["python", "-c", textwrap.dedent(code)]


def shell(code: str) -> list[str]:
    return ["sh", "-c", textwrap.dedent(code)]


def pod(command: list[str], **fields: Any) -> Object:
    """A pod of one container; `container` and `spec` in `fields` go over the defaults."""
    container = {"name": "main", "image": "none", "command": command, "env": [REPORT]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "subject"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 5,
            "containers": [container | fields.get("container", {})],
            **fields.get("spec", {}),
        },
    }


class Pods:
    """The pods of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self.path = f"/api/v1/namespaces/{namespace}/pods"
        self.namespace = namespace

    def create(self, manifest: Object) -> None:
        self._cluster.rest.post(self.path, manifest)

    def create_secret(self, name: str, **data: str) -> None:
        body = {"metadata": {"name": name}, "stringData": data}
        self._cluster.rest.post(f"/api/v1/namespaces/{self.namespace}/secrets", body)

    def run(self, manifest: Object) -> Object:
        """Create the pod; its status once it is over."""
        self.create(manifest)
        return self.over()

    def over(self) -> Object:
        return self.until(lambda status: status["phase"] in ("Succeeded", "Failed"))

    def until(self, condition: Callable[[Object], bool]) -> Object:
        """The status of the one pod, once `condition` holds for it."""

        def found(pods: list[Object]) -> Object | None:
            return next((each["status"] for each in pods if condition(each["status"])), None)

        return self._cluster.wait_for(self.path, found)

    def until_running(self) -> int:
        """The process's number, once the pod runs."""
        status = self.until(lambda status: status["phase"] == "Running")
        return int(status["containerStatuses"][0]["containerID"].removeprefix("process://"))

    def until_gone(self) -> None:
        self._cluster.wait_for(self.path, lambda pods: None if pods else True)

    def log(self) -> str:
        folder = self._cluster.folder / "pods" / self.namespace / "subject"
        return (folder / "main.log").read_text()

    def report_of(self, manifest: Object) -> Any:
        """What the pod left as JSON in its termination message."""
        return msgspec.json.decode(terminated(self.run(manifest))["message"])


def terminated(status: Object) -> Object:
    ended: Object = status["containerStatuses"][0]["state"]["terminated"]
    return ended
