"""What this node can't honour. Better a pod that fails at once than one that runs otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev.processnode.environment import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagejob_dev.processnode.api import Object

VOLUMES = {"emptyDir", "secret"}
CONTAINER_FIELDS = (
    *("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "volumeDevices"),
    *("stdin", "tty"),
)


def unsupported(pod: Object) -> str | None:
    """The first thing in the pod that can't be done here, as a sentence; None if all can."""
    return next((message for check in CHECKS for message in check(pod)), None)


def _pod_fields(pod: Object) -> Iterator[str]:
    spec = pod["spec"]
    if spec.get("initContainers"):
        yield "init containers are not run"
    if spec.get("restartPolicy") == "Always":
        yield "restartPolicy Always is not kept; use Never or OnFailure"
    if spec.get("resourceClaims"):
        yield "resource claims can't be met"


def _volumes(pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or []:
        name, (kind, *_) = volume["name"], [key for key in volume if key != "name"] or ["emptyDir"]
        if kind == "projected" and name.startswith("kube-api-access-"):
            yield "no service account token is mounted; set automountServiceAccountToken: false"
        elif kind not in VOLUMES:
            yield f"volume {name} is of kind {kind}; only emptyDir and secret can be mounted"


def _containers(pod: Object) -> Iterator[str]:
    for container in pod["spec"]["containers"]:
        name = f"container {container['name']}"
        if not container.get("command"):
            yield f"{name} has no command, and there is no image to take one from"
        for field in CONTAINER_FIELDS:
            if container.get(field):
                yield f"{name} has {field}"
        for mount in container.get("volumeMounts") or []:
            if mount.get("subPath") or mount.get("subPathExpr"):
                yield f"{name} mounts a subPath at {mount['mountPath']}"


def _environment(pod: Object) -> Iterator[str]:
    for container in pod["spec"]["containers"]:
        for entry in container.get("env") or []:
            origin = entry.get("valueFrom") or {}
            path = origin.get("fieldRef", {}).get("fieldPath")
            if "resourceFieldRef" in origin or "fileKeyRef" in origin:
                yield f"variable {entry['name']} comes from {next(iter(origin))}"
            elif path and path not in FIELDS:
                yield f"variable {entry['name']} comes from the field {path}"


CHECKS: tuple[Callable[[Object], Iterator[str]], ...] = (
    _pod_fields,
    _volumes,
    _containers,
    _environment,
)
