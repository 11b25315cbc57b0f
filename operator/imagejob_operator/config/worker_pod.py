"""What the platform adds to worker pods: scheduling constraints, labels and annotations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

_NAME = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"

ObjectName = Annotated[str, Meta(pattern=rf"^{_DOMAIN}$", max_length=253)]
Key = Annotated[str, Meta(pattern=rf"^({_DOMAIN}/)?{_NAME}$", max_length=317)]
LabelValue = Annotated[str, Meta(pattern=rf"^({_NAME})?$")]
Labels = dict[Key, LabelValue]
Annotations = dict[Key, str]

OWN_DOMAIN = "imagejob.dev/"
OWN_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/managed-by")

# A sidecar that keeps running prevents the Job from completing. Istio reads the label, Linkerd the
# annotation.
NO_SIDECAR_LABELS = {"sidecar.istio.io/inject": "false"}
NO_SIDECAR_ANNOTATIONS = {"linkerd.io/inject": "disabled"}


class Toleration(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A toleration as in a pod."""

    key: str = ""
    operator: Literal["", "Equal", "Exists", "Lt", "Gt"] = ""
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    toleration_seconds: int | None = None


class WorkerPod(msgspec.Struct, frozen=True):
    """Fields as in a pod; empty ones are left out.

    `labels` are set on the Job too, for controllers that select Jobs. They and `annotations` may
    override what disables sidecars, but `reserved` ones are the operator's own.
    """

    image_pull_secrets: tuple[ObjectName, ...] = ()
    node_selector: Labels = {}
    tolerations: tuple[Toleration, ...] = ()
    annotations: Annotations = {}
    labels: Labels = {}
    priority_class_name: str = ""
    runtime_class_name: str = ""

    @property
    def all_annotations(self) -> Annotations:
        """The annotations with those that disable sidecars."""
        return {**NO_SIDECAR_ANNOTATIONS, **self.annotations}

    @property
    def all_labels(self) -> Labels:
        """The labels with those that disable sidecars."""
        return {**NO_SIDECAR_LABELS, **self.labels}

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a pod's spec, except its tolerations."""
        fields = {
            "imagePullSecrets": [{"name": name} for name in self.image_pull_secrets],
            "nodeSelector": self.node_selector,
            "priorityClassName": self.priority_class_name,
            "runtimeClassName": self.runtime_class_name,
        }
        return {name: value for name, value in fields.items() if value}


def reserved(keys: Iterable[str]) -> list[str]:
    """Return the keys that identify worker Jobs and pods: only the operator sets them."""
    return [key for key in keys if key in OWN_LABELS or key.startswith(OWN_DOMAIN)]
