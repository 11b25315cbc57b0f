"""What the operator hears of, and what it looks at because of that."""

from __future__ import annotations

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import WorkerJob

Key = tuple[str, str]
"""Namespace and name."""

WatchedObject = ImageJob | ImageProfile | ImageStore | ImageQuota | WorkerJob | Pod


class NamespaceKey(msgspec.Struct, frozen=True):
    """One namespace, as something to look at: its quota, its ledger, those who wait."""

    namespace: str


class QuotaStatusKey(msgspec.Struct, frozen=True):
    """The ImageQuota of one namespace, as something to look at: its status."""

    namespace: str


class EventsKey(msgspec.Struct, frozen=True):
    """The Events of one ImageJob, as something to look at: those still to be posted."""

    namespace: str
    uid: str


class PodKey(msgspec.Struct, frozen=True):
    """A worker pod that may be no Job's, as something to look at."""

    namespace: str
    name: str


ObjectKey = str | Key | QuotaStatusKey | EventsKey | PodKey
"""What is reconciled by itself: an ImageJob by its UID, a worker Job by namespace and name."""

ReconcileKey = ObjectKey | NamespaceKey
"""What is reconciled. Namespaces are, together, for they share the free workers."""


def key(thing: WatchedObject) -> Key:
    """Where an object is found."""
    return thing.metadata.namespace, thing.metadata.name
