"""What the platform adds to worker pods: where they run, and what is written on them."""

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

# A sidecar that doesn't end keeps the Job from ending. Istio goes by the label, Linkerd by the
# annotation.
NO_SIDECAR_LABELS = {"sidecar.istio.io/inject": "false"}
NO_SIDECAR_ANNOTATIONS = {"linkerd.io/inject": "disabled"}


class Toleration(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """As in a pod."""

    key: str = ""
    operator: Literal["", "Equal", "Exists", "Lt", "Gt"] = ""
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    toleration_seconds: int | None = None


class WorkerPod(msgspec.Struct, frozen=True):
    """As in a pod; "" and empty ones are left out.

    `labels` are the Job's too, for what goes by the labels of Jobs. They and `annotations` may undo
    what keeps sidecars off, but `reserved` ones are the operator's own.
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
        """With what keeps sidecars off."""
        return {**NO_SIDECAR_ANNOTATIONS, **self.annotations}

    @property
    def all_labels(self) -> Labels:
        """With what keeps sidecars off."""
        return {**NO_SIDECAR_LABELS, **self.labels}

    @property
    def fields(self) -> dict[str, Any]:
        """Of a pod's spec, but for its tolerations."""
        fields = {
            "imagePullSecrets": [{"name": name} for name in self.image_pull_secrets],
            "nodeSelector": self.node_selector,
            "priorityClassName": self.priority_class_name,
            "runtimeClassName": self.runtime_class_name,
        }
        return {name: value for name, value in fields.items() if value}


def reserved(keys: Iterable[str]) -> list[str]:
    """Those of labels that tell a worker's Job and pods from others: nobody else sets them."""
    return [key for key in keys if key in OWN_LABELS or key.startswith(OWN_DOMAIN)]
