"""Objects of the cluster as answers show them."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from imagejob_gateway.state.owner import image_of

from . import event_stream
from .models import (
    AuditModel,
    DependencyModel,
    EventModel,
    FailureModel,
    HealthModel,
    ImageModel,
    ImageSummaryModel,
    OutputModel,
    QuotaUseModel,
    ReservedModel,
    SlotModel,
    SlotRequestModel,
    SourceModel,
    StatsModel,
    ThroughputModel,
    WaitsModel,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from imagejob_gateway.images.following import Progress
    from imagejob_gateway.images.kinds import Image, ListedImage
    from imagejob_gateway.images.stats import Stats
    from imagejob_gateway.slots.reservations import Reserved
    from imagejob_gateway.state.owner import Slot

    from .health import Health

IMAGES = "/api/v1/images"
UPLOADS = "/api/v1/uploads"

PHASES: dict[str, Literal["Open", "GivenBack", "Completed"]] = {
    "open": "Open",
    "returned": "GivenBack",
    "completed": "Completed",
}


def health(found: Health, *, in_detail: bool) -> HealthModel:
    """Show which dependencies work; in detail, also what is wrong with each store."""
    if in_detail:
        shown = [
            DependencyModel(name=name, ready=not trouble, message=trouble or None)
            for name, trouble in found.dependencies.items()
        ]
    else:
        shown = [DependencyModel(name=name, ready=it) for name, it in found.in_short.items()]
    return HealthModel(live=True, ready=found.is_ready, dependencies=shown)


def links(name: str) -> dict[str, str]:
    """Return where an image is."""
    place = f"{IMAGES}/{name}"
    return {
        "self": place,
        "outputs": f"{place}/outputs/{{output}}",
        "events": f"{place}/events",
    }


def summary(image: ListedImage) -> ImageSummaryModel:
    """Show an image in a list."""
    return ImageSummaryModel(
        name=image.metadata.name,
        phase=image.phase,
        reason=image.reason or None,
        profile=image.profile or None,
        created=image.metadata.creation_timestamp,
        links=links(image.metadata.name),
    )


def image(found: Image) -> ImageModel:
    """Show an image."""
    name, status = found.metadata.name, found.status
    return ImageModel(
        name=name,
        phase=found.phase,
        reason=found.reason or None,
        message=found.message or None,
        profile=found.profile or None,
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


async def events(
    name: str, states: AsyncGenerator[Progress | None], known: str
) -> AsyncGenerator[bytes]:
    """Render an image's states as server-sent events; `known` is the id of one to leave out."""
    yield event_stream.RETRY
    async with aclosing(states):
        async for state in states:
            if state is None:
                yield event_stream.KEEP_ALIVE
            elif state.is_deleted:
                yield event_stream.DELETED
            else:
                if str(state.version) != known:
                    yield event_stream.event(_state(name, state), "image", str(state.version))
                if state.is_final:
                    yield event_stream.FINISHED


def _state(name: str, state: Progress) -> str:
    model = EventModel(
        name=name,
        phase=state.phase,
        reason=state.reason or None,
        message=state.message or None,
        links=links(name),
    )
    return model.model_dump_json(by_alias=True, exclude_none=True)


def stats(found: Stats) -> StatsModel:
    """Show counts."""
    limits = found.quota
    quota = (
        None if limits is None else [QuotaUseModel.model_validate(_fields(each)) for each in limits]
    )
    return StatsModel(
        images=found.images,
        by_phase=found.by_phase,
        by_reason=found.by_reason,
        throughput=ThroughputModel.model_validate(_fields(found.throughput)),
        queue_wait=WaitsModel.model_validate(_fields(found.waits)),
        recent_failures=[_failure(each) for each in found.failures],
        quota=quota,
    )


def _failure(image: ListedImage) -> FailureModel:
    return FailureModel(
        name=image.metadata.name,
        reason=image.reason,
        message=image.message,
        time=image.status.completion_time,
        link=links(image.metadata.name)["self"],
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


def _fields(thing: msgspec.Struct, *without: str) -> dict[str, object]:
    found = msgspec.structs.asdict(thing)
    return {name: value for name, value in found.items() if name not in without}
