"""Objects of the cluster as answers show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from imagejob_gateway.state.owner import image_of

from .models import (
    AuditModel,
    ImageModel,
    ImageSummaryModel,
    OutputModel,
    QuotaUseModel,
    ReservedModel,
    SlotModel,
    SlotRequestModel,
    SourceModel,
    StatsModel,
)

if TYPE_CHECKING:
    from imagejob_operator.api.meta import Resource

    from imagejob_gateway.images.kinds import Image, ListedImage
    from imagejob_gateway.images.stats import Stats
    from imagejob_gateway.slots.reservations import Reserved
    from imagejob_gateway.state.owner import Slot

IMAGES = "/api/v1/images"
UPLOADS = "/api/v1/uploads"

PHASES: dict[str, Literal["Open", "GivenBack", "Completed"]] = {
    "open": "Open",
    "returned": "GivenBack",
    "completed": "Completed",
}


def links(name: str) -> dict[str, str]:
    """Return where an image is."""
    return {"self": f"{IMAGES}/{name}", "outputs": f"{IMAGES}/{name}/outputs/{{output}}"}


def summary(image: ListedImage) -> ImageSummaryModel:
    """Show an image in a list."""
    return ImageSummaryModel(
        name=image.metadata.name,
        phase=image.phase,
        reason=image.reason or None,
        profile=image.spec.profile_ref.name if image.spec.profile_ref else None,
        created=image.metadata.creation_timestamp,
        links=links(image.metadata.name),
    )


def image(found: Image) -> ImageModel:
    """Show an image."""
    name, status, ready = found.metadata.name, found.status, found.ready
    return ImageModel(
        name=name,
        phase=status.phase or "Pending",
        reason=ready.reason if ready else None,
        message=ready.message if ready else None,
        profile=found.spec.profile_ref.name if found.spec.profile_ref else None,
        created=found.metadata.creation_timestamp,
        links=links(name),
        source=_source(found),
        outputs=[
            OutputModel.model_validate(
                {**_fields(each, "key"), "link": f"{IMAGES}/{name}/outputs/{each.name}"}
            )
            for each in status.outputs
        ],
        removed_metadata=list(status.removed_metadata),
        audit=[AuditModel.model_validate(_fields(each, "count")) for each in status.audit],
    )


def stats(found: Stats) -> StatsModel:
    """Show counts."""
    limits = found.quota
    quota = (
        None if limits is None else [QuotaUseModel.model_validate(_fields(each)) for each in limits]
    )
    return StatsModel(
        images=found.images, by_phase=found.by_phase, by_reason=found.by_reason, quota=quota
    )


def reserved(slot: Reserved) -> ReservedModel:
    """Show a slot to whom has reserved it."""
    request = slot.request
    return ReservedModel(
        id=slot.id,
        expires=_time(slot.expires),
        request=SlotRequestModel(
            method=request.method,
            url=request.url,
            headers=dict(request.headers),
            fields=dict(request.fields),
        ),
        token=slot.token,
        links=_slot_links(slot.id),
    )


def slot(id_: str, found: Slot, *, is_open: bool) -> SlotModel:
    """Show a slot."""
    phase = PHASES[found.phase]
    name = image_of(id_) if phase == "Completed" else None
    return SlotModel(
        id=id_,
        phase="Expired" if phase == "Open" and not is_open else phase,
        expires=_time(found.expires),
        image=name,
        links=_slot_links(id_) | ({"image": links(name)["self"]} if name else {}),
    )


def _slot_links(id_: str) -> dict[str, str]:
    return {"self": f"{UPLOADS}/{id_}", "complete": f"{UPLOADS}/{id_}/complete"}


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _source(found: Image) -> SourceModel:
    source = found.status.source
    if source is None:
        return SourceModel(sha256=found.spec.source.sha256)
    return SourceModel.model_validate(_fields(source, "frames"))


def _fields(thing: Resource, *without: str) -> dict[str, object]:
    found = msgspec.structs.asdict(thing)
    return {name: value for name, value in found.items() if name not in without}
