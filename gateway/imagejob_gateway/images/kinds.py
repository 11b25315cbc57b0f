"""The kinds of the namespace as the gateway reads them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from imagejob_operator.api.imagejob import FINISHED, ImageJob, Phase
from imagejob_operator.api.meta import GROUP, Condition, NameRef, ObjectMeta, Resource
from imagejob_operator.kube.resources import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    IMAGE_STORES,
    Kind,
)

OWNER_LABEL = f"{GROUP}/owner"
"""Caller.owner of whom uploaded it. An ImageJob without it was not made by the gateway."""

UPLOAD_LABEL = f"{GROUP}/upload"
"""The attempt to upload that created it, by which it is found if the gateway died meanwhile."""


ON_BEHALF_OF = f"{GROUP}/on-behalf-of"
"""Caller.on_behalf_of of whom uploaded it, for the status and the audit log."""


class ImageLabels(Resource, frozen=True):
    """The labels of an ImageJob that the gateway reads."""

    owner: str = msgspec.field(name=OWNER_LABEL, default="")


class ImageMeta(ObjectMeta, frozen=True):
    """The metadata of an ImageJob, with its owner in place of the operator's labels."""

    labels: ImageLabels = ImageLabels()  # type: ignore[assignment]


class Image(ImageJob, frozen=True):
    """An ImageJob as a whole."""

    metadata: ImageMeta

    @property
    def owner(self) -> str:
        return self.metadata.labels.owner

    @property
    def phase(self) -> Phase:
        """The phase; Pending until the operator has written one."""
        return self.status.phase or "Pending"

    @property
    def profile(self) -> str:
        """The name of its ImageProfile; empty without one."""
        return self.spec.profile_ref.name if self.spec.profile_ref else ""

    @property
    def reason(self) -> str:
        """Why it is where it is; empty until the operator has said so."""
        return self.ready.reason if self.ready else ""

    @property
    def message(self) -> str:
        """The same in a sentence."""
        return self.ready.message if self.ready else ""


class ListedSource(Resource, frozen=True):
    """What is kept of a source: its digest, as the gateway computed it."""

    sha256: str | None = None


class ListedSpec(Resource, frozen=True):
    """What is kept of a spec."""

    source: ListedSource
    profile_ref: NameRef | None = None


class ListedStatus(Resource, frozen=True):
    """What is kept of a status: of the conditions, only Ready."""

    phase: Phase | None = None
    conditions: tuple[Condition, ...] = ()
    start_time: datetime | None = None
    completion_time: datetime | None = None

    def __post_init__(self) -> None:
        ready = tuple(each for each in self.conditions if each.type == "Ready")
        msgspec.structs.force_setattr(self, "conditions", ready)


class ListedImage(Resource, frozen=True):
    """What is kept in memory of each ImageJob: a tenth of it."""

    metadata: ImageMeta
    spec: ListedSpec
    status: ListedStatus = ListedStatus()

    @property
    def owner(self) -> str:
        return self.metadata.labels.owner

    @property
    def phase(self) -> Phase:
        """The phase; Pending until the operator has written one."""
        return self.status.phase or "Pending"

    @property
    def is_finished(self) -> bool:
        return self.status.phase in FINISHED

    @property
    def profile(self) -> str:
        """The name of its ImageProfile; empty without one."""
        return self.spec.profile_ref.name if self.spec.profile_ref else ""

    @property
    def reason(self) -> str:
        """Why it is where it is; empty until the operator has said so."""
        return self.status.conditions[0].reason if self.status.conditions else ""

    @property
    def message(self) -> str:
        """The same in a sentence."""
        return self.status.conditions[0].message if self.status.conditions else ""


IMAGES = Kind(Image, IMAGE_JOBS.api, IMAGE_JOBS.plural)
LISTED = Kind(ListedImage, IMAGE_JOBS.api, IMAGE_JOBS.plural)
WATCHED: tuple[Kind[Any], ...] = (LISTED, IMAGE_PROFILES, IMAGE_QUOTAS, IMAGE_STORES)
