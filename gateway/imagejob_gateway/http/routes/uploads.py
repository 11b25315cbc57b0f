"""Uploads through the gateway."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response

from imagejob_gateway.config import Settings
from imagejob_gateway.http import views
from imagejob_gateway.http.chunks import received
from imagejob_gateway.http.models import ImageModel
from imagejob_gateway.http.problems import documented
from imagejob_gateway.http.security import OF_TOKENS, Uploader
from imagejob_gateway.http.services import Have
from imagejob_gateway.problem import ProblemReason
from imagejob_gateway.uploads import form, formats
from imagejob_gateway.uploads.body import Body, announced_length, check_length
from imagejob_gateway.uploads.idempotency import HEADER, parse_key

router = APIRouter(prefix=views.IMAGES, tags=["uploads"])

Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="What is sent again with the same key is uploaded once. "
        "Without a key, the same image for the same profile is the same upload.",
    ),
]
Profile = Annotated[
    str,
    Query(max_length=253, description="An ImageProfile that the gateway offers; else the first."),
]

BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "properties": {
            "profile": {"type": "string"},
            "file": {"type": "string", "format": "binary", "description": "The last part."},
        },
        "required": ["file"],
    }
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            **dict.fromkeys((*formats.MEDIA_TYPES, "application/octet-stream"), BINARY),
            "multipart/form-data": FORM,
        },
    }
}
PROBLEMS = (
    *(ProblemReason.INVALID_REQUEST, ProblemReason.EMPTY_BODY, ProblemReason.INCOMPLETE_BODY),
    *(*OF_TOKENS, ProblemReason.LENGTH_REQUIRED, ProblemReason.TOO_SLOW),
    *(ProblemReason.TOO_LARGE, ProblemReason.UNSUPPORTED_FORMAT, ProblemReason.INVALID_PARAMETER),
    *(ProblemReason.PROFILE_NOT_FOUND, ProblemReason.INVALID_SPEC, ProblemReason.STORE_NOT_FOUND),
    *(ProblemReason.IN_PROGRESS, ProblemReason.NAME_TAKEN, ProblemReason.KEY_REUSED),
    *(ProblemReason.LIMIT_EXCEEDED, ProblemReason.QUOTA_EXCEEDED, ProblemReason.STATE_FULL),
    ProblemReason.TOO_MANY_REQUESTS,
    *(ProblemReason.STATE_UNREADABLE, ProblemReason.STORAGE_UNAVAILABLE),
    ProblemReason.API_SERVER_UNAVAILABLE,
)


@router.post(
    "/upload",
    operation_id="uploadImage",
    status_code=202,
    response_description="The image is stored, and its ImageJob created.",
    responses={
        200: {
            "model": ImageModel,
            "description": "It had been uploaded before: the image of then.",
        },
        **documented(*PROBLEMS),
    },
    openapi_extra=BODY,
)
async def upload_image(
    services: Have,
    caller: Uploader,
    request: Request,
    response: Response,
    profile: Profile = "",
    idempotency_key: Key = None,
) -> ImageModel:
    """Take an image: as the body, or as the last part of a form, named `file`."""
    key = parse_key(idempotency_key)
    body = await _body(request, services.settings)
    chosen = services.receiver.profile(body.fields.get("profile", profile))
    image, is_new = await services.receiver.receive(caller, body, chosen, key)
    if not is_new:
        response.status_code = 200
    response.headers["Location"] = views.links(image.metadata.name)["self"]
    return views.image(image)


@router.api_route("/upload", methods=["GET", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_method() -> None:
    """Otherwise `upload` would be taken for an image's name."""
    raise HTTPException(405)


async def _body(request: Request, settings: Settings) -> Body:
    """Judge the headers, and read up to the file's first byte. Raises ProblemError."""
    kind = request.headers.get("Content-Type", "")
    boundary = form.boundary_of(kind)
    length = announced_length(request.headers.get("Content-Length"))
    check_length(length, settings.byte_limit + (form.MOST_OVERHEAD if boundary else 0))
    chunks = received(request, settings.min_bytes_per_second)
    if boundary is None:
        return Body(kind, length, chunks, {})
    return await form.read(boundary, length, chunks)
