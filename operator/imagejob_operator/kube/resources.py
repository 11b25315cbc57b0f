"""The kinds of objects that the operator requests: their API paths and types."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar, get_args

import msgspec

from imagejob_operator.api.imagejob import FINISHED, ImageJob, Phase
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.labels import LEDGER_SELECTOR, WORKER_SELECTOR
from imagejob_operator.api.meta import GROUP, VERSION, ObjectMeta, Resource

from .object_store import HasMetadata
from .pod import Pod
from .worker import WorkerJob

UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
FINISHED_WITH_TTL = ",".join(
    [
        "spec.ttlSecondsAfterFinished!=",  # a missing field reads as empty
        "status.phase!=",
        *(f"status.phase!={phase}" for phase in get_args(Phase) if phase not in FINISHED),
    ]
)
"""Field selectors have no "or", but all phases are known."""

T = TypeVar("T", bound=HasMetadata)


class Kind(msgspec.Struct, Generic[T], frozen=True):
    """The API path, type and selector of one kind."""

    type: type[T]
    api: str
    plural: str
    selector: tuple[tuple[str, str], ...] = ()

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the collection, of an object, or of a subresource."""
        parts = [self.api, f"namespaces/{namespace}" if namespace else "", self.plural]
        return "/".join(part for part in (*parts, name, subresource) if part)


class ConfigMap(Resource, frozen=True):
    """A ConfigMap that holds a ledger."""

    metadata: ObjectMeta
    data: dict[str, str] = msgspec.field(default_factory=dict)


class Occurrence(Resource, frozen=True):
    """A core Event about another object, with its reporter and when it was last repeated."""

    metadata: ObjectMeta
    last_timestamp: datetime | None = None
    type: str = ""
    reason: str = ""
    message: str = ""
    reporting_component: str = ""


_OURS = f"/apis/{GROUP}/{VERSION}"
IMAGE_JOBS = Kind(ImageJob, _OURS, "imagejobs", (("fieldSelector", UNFINISHED),))
IMAGE_PROFILES = Kind(ImageProfile, _OURS, "imageprofiles")
IMAGE_STORES = Kind(ImageStore, _OURS, "imagestores")
IMAGE_QUOTAS = Kind(ImageQuota, _OURS, "imagequotas")
LEDGERS = Kind(ConfigMap, "/api/v1", "configmaps", (("labelSelector", LEDGER_SELECTOR),))
WORKER_JOBS = Kind(WorkerJob, "/apis/batch/v1", "jobs", (("labelSelector", WORKER_SELECTOR),))
EVENTS = Kind(Occurrence, "/api/v1", "events")
PODS = Kind(Pod, "/api/v1", "pods", (("labelSelector", WORKER_SELECTOR),))
