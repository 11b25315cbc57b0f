"""The objects that the operator watches, and the keys that it reconciles."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.kube.object_store import version as version_of
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import WorkerJob

Key = tuple[str, str]
"""Namespace and name."""

WatchedObject = ImageJob | ImageProfile | ImageStore | ImageQuota | WorkerJob | Pod


class NamespaceKey(msgspec.Struct, frozen=True):
    """The key of a namespace: its quota, its ledger, and its waiting ImageJobs."""

    namespace: str


class QuotaStatusKey(msgspec.Struct, frozen=True):
    """The key of the status of a namespace's ImageQuota."""

    namespace: str


class MissingLedgersKey(msgspec.Struct, frozen=True):
    """The key of the ledgers that ImageQuotas' statuses need, and that do not exist."""


class EventsKey(msgspec.Struct, frozen=True):
    """The key of an ImageJob's Events that are still to be posted."""

    namespace: str
    uid: str


class PodKey(msgspec.Struct, frozen=True):
    """The key of a worker pod that may have no Job."""

    namespace: str
    name: str


ObjectKey = str | Key | QuotaStatusKey | MissingLedgersKey | EventsKey | PodKey
"""What is reconciled by itself: an ImageJob by its UID, a worker Job by namespace and name, or one
of the keys above."""

ReconcileKey = ObjectKey | NamespaceKey
"""What is reconciled. Namespaces are reconciled together, as they share the free workers."""


def key(thing: WatchedObject) -> Key:
    """Return the object's namespace and name."""
    return thing.metadata.namespace, thing.metadata.name


W = TypeVar("W", bound=WatchedObject)


def as_of(known: W, version: int) -> W:
    """Return the object as of that version, if it is a newer one."""
    latest = max(version, version_of(known))
    meta = msgspec.structs.replace(known.metadata, resource_version=str(latest))
    return msgspec.structs.replace(known, metadata=meta)
