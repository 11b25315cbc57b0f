"""Direct uploads: reserve slots, look at them, complete them or give them back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError

from imagejob_gateway.http import views
from imagejob_gateway.http.chunks import received
from imagejob_gateway.http.models import (
    REFERENCE,
    ImageModel,
    ReservationModel,
    ReservedListModel,
    SlotModel,
)
from imagejob_gateway.http.problems import documented
from imagejob_gateway.http.security import OF_TOKENS, SlotHolder, Uploader
from imagejob_gateway.http.services import Have
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.slots.wanted import Wanted
from imagejob_gateway.state import slots
from imagejob_gateway.storage.direct import Announced

router = APIRouter(prefix=views.UPLOADS, tags=["direct uploads"])

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$", description="Of a slot.")]

MOST_BYTES = 128 * 1024
"""Of a request's body, which is read as a whole: 100 files at their longest are shorter."""

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": REFERENCE.format(model=ReservationModel.__name__)}
            }
        },
    }
}
COMMON = (
    *(*OF_TOKENS, ProblemReason.INVALID_PARAMETER),
    *(ProblemReason.STATE_FULL, ProblemReason.STATE_UNREADABLE),
    ProblemReason.API_SERVER_UNAVAILABLE,
)
OF_STORES = (ProblemReason.STORE_NOT_FOUND, ProblemReason.STORAGE_UNAVAILABLE)
OF_ONE = (*COMMON, ProblemReason.NOT_FOUND, ProblemReason.TOO_MANY_REQUESTS)


@router.post(
    "",
    operation_id="reserveUploads",
    status_code=201,
    response_description="A slot for each file, in their order.",
    responses=documented(
        *(*COMMON, *OF_STORES, ProblemReason.INVALID_REQUEST, ProblemReason.EMPTY_BODY),
        *(ProblemReason.TOO_LARGE, ProblemReason.UNSUPPORTED_FORMAT),
        *(ProblemReason.TOO_SLOW, ProblemReason.INCOMPLETE_BODY),
        *(ProblemReason.PROFILE_NOT_FOUND, ProblemReason.LIMIT_EXCEEDED),
        *(ProblemReason.QUOTA_EXCEEDED, ProblemReason.TOO_MANY_SLOTS),
    ),
    openapi_extra=BODY,
)
async def reserve_uploads(services: Have, caller: Uploader, request: Request) -> ReservedListModel:
    """Reserve slots for files that the client puts into the store itself: all, or none."""
    wanted = await _read(request, services.settings.min_bytes_per_second)
    files = [
        Wanted(Announced(each.content_type, each.length, each.sha256, each.md5), each.profile)
        for each in wanted.uploads
    ]
    found = await services.reservations.reserve(caller, files, wanted.seconds)
    return ReservedListModel(uploads=[views.reserved(each) for each in found])


@router.get("/{id}", operation_id="getUpload", responses=documented(*OF_ONE))
async def get_upload(services: Have, holder: SlotHolder, id: Id) -> SlotModel:  # noqa: A002 (its name)
    """Show what became of a slot, until nobody can write to it any more."""
    state, slot = await services.reservations.look(holder, id)
    return views.slot(id, slot, is_open=slots.is_open(state, id))


@router.post(
    "/{id}/complete",
    operation_id="completeUpload",
    status_code=202,
    responses={
        200: {"model": ImageModel, "description": "It was completed before."},
        **documented(
            *(*OF_ONE, *OF_STORES, ProblemReason.INCOMPLETE_BODY, ProblemReason.IN_PROGRESS),
            *(ProblemReason.NOT_UPLOADED, ProblemReason.SLOT_USED, ProblemReason.NAME_TAKEN),
            *(ProblemReason.SLOT_CLOSED, ProblemReason.UNSUPPORTED_FORMAT),
            ProblemReason.INVALID_SPEC,
        ),
    },
)
async def complete_upload(
    services: Have,
    holder: SlotHolder,
    id: Id,  # noqa: A002 (its name)
    response: Response,
) -> ImageModel:
    """Check the file that is in the slot, and make an image of it."""
    image, is_new = await services.completions.complete(holder, id)
    if not is_new:
        response.status_code = 200
    response.headers["Location"] = views.links(image.metadata.name)["self"]
    return views.image(image)


@router.delete(
    "/{id}",
    operation_id="giveBackUpload",
    status_code=204,
    response_description="The slot is given back.",
    responses=documented(
        *(*OF_ONE, *OF_STORES, ProblemReason.IN_PROGRESS),
        *(ProblemReason.SLOT_USED, ProblemReason.SLOT_CLOSED),
    ),
)
async def give_back_upload(services: Have, holder: SlotHolder, id: Id) -> None:  # noqa: A002 (its name)
    """Give a slot back that isn't needed: it doesn't count any more."""
    await services.reservations.give_back(holder, id)


async def _read(request: Request, rate: int) -> ReservationModel:
    """Read the body, in bounded memory and not before the token is checked. Raises ProblemError."""
    body = bytearray()
    async for chunk in received(request, rate):
        body += chunk
        if len(body) > MOST_BYTES:
            raise ProblemError(
                ProblemReason.TOO_LARGE, f"The body is longer than {MOST_BYTES} bytes."
            )
    try:
        return ReservationModel.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise ProblemError(
                ProblemReason.INVALID_REQUEST, f"The body isn't JSON: {first['msg']}"
            ) from error
        field = ".".join(str(each) for each in first["loc"])
        raise ProblemError(
            ProblemReason.INVALID_PARAMETER, f"{field}: {first['msg']}", field=field
        ) from error
