"""Pods to test a node with: create, wait, inspect."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.client import Client

Object = dict[str, Any]

SECONDS = 30.0
REPORT = {"name": "REPORT", "value": "/dev/termination-log"}
NOBODY = 65532  # of our images

IGNORE_SIGTERM = """
    import signal, subprocess
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "1000"])
    print("ready", flush=True)
    child.wait()
"""


def python(code: str) -> list[str]:
    return ["python", "-c", textwrap.dedent(code)]


def shell(code: str) -> list[str]:
    return ["sh", "-c", textwrap.dedent(code)]


def pod(command: list[str], **fields: Any) -> Object:
    """A pod of one container; `container` and `spec` in `fields` override the defaults.

    `Pods` says what image it has: one with Python and a shell.
    """
    container = {"name": "main", "image": "none", "command": command, "env": [REPORT]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "subject"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {"fsGroup": NOBODY},
            "containers": [container | fields.get("container", {})],
            **fields.get("spec", {}),
        },
    }


class Pods:
    """The pods of one namespace, with the worker's image unless `image` names another."""

    def __init__(self, cluster: Client, namespace: str, image: str | None = None) -> None:
        self._cluster = cluster
        self._image = image or cluster.worker_image
        self.path = f"/api/v1/namespaces/{namespace}/pods"
        self.jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self.namespace = namespace

    def create(self, manifest: Object) -> None:
        self._cluster.rest.post(self.path, self._with_image(manifest))

    def create_job(self, template: Object, **spec: Any) -> None:
        body = {"template": {"spec": self._with_image(template)["spec"]}, **spec}
        self._cluster.rest.post(self.jobs, {"metadata": {"name": "subject"}, "spec": body})

    def create_secret(self, name: str, **data: str) -> None:
        body = {"metadata": {"name": name}, "stringData": data}
        self._cluster.rest.post(f"/api/v1/namespaces/{self.namespace}/secrets", body)

    def run(self, manifest: Object) -> Object:
        """Create the pod; return its status when it has ended."""
        self.create(manifest)
        return self.over()

    def over(self) -> Object:
        return self.until(lambda status: status["phase"] in ("Succeeded", "Failed"))

    def until(self, condition: Callable[[Object], bool]) -> Object:
        """Return the status of the only pod, once `condition` holds for it."""

        def found(pods: list[Object]) -> Object | None:
            return next((each["status"] for each in pods if condition(each["status"])), None)

        return self._cluster.wait_for(self.path, found, SECONDS)

    def until_running(self) -> Object:
        """Return its status once it runs."""
        return self.until(lambda status: status["phase"] == "Running")

    def until_log(self, text: str) -> None:
        """Wait until the pod's log contains `text`."""
        self.until_running()
        deadline = time.monotonic() + SECONDS
        while text not in self.log():
            assert time.monotonic() < deadline, f"the log never said {text!r}"

    def until_gone(self) -> None:
        self._cluster.wait_for(self.path, lambda pods: None if pods else True, SECONDS)

    def delete(self) -> Object:
        """Delete the pod; return its last status."""
        version = self._cluster.rest.get(self.path)["metadata"]["resourceVersion"]
        self._cluster.rest.delete(f"{self.path}/subject")
        with self._cluster.rest.watch(self.path, version, SECONDS) as events:
            status: Object = next(
                event["object"]["status"] for event in events if event["type"] == "DELETED"
            )
            return status

    def log(self) -> str:
        return self._cluster.pod_log(self.namespace, "subject", "main")

    def report_of(self, manifest: Object) -> Any:
        """The JSON in the pod's termination message."""
        return msgspec.json.decode(terminated(self.run(manifest))["message"])

    def _with_image(self, manifest: Object) -> Object:
        spec = manifest["spec"]
        image = {"image": self._image, "imagePullPolicy": "IfNotPresent"}
        containers = [container | image for container in spec["containers"]]
        return {**manifest, "spec": {**spec, "containers": containers}}


def terminated(status: Object) -> Object:
    ended: Object = status["containerStatuses"][0]["state"]["terminated"]
    return ended
