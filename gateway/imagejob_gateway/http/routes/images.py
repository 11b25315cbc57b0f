"""Images that were uploaded: list, look, fetch, delete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse, Response

from imagejob_gateway.http import views
from imagejob_gateway.http.filters import Which
from imagejob_gateway.http.models import ImageListModel, ImageModel
from imagejob_gateway.http.owned import Name, own_image
from imagejob_gateway.http.problems import documented
from imagejob_gateway.http.security import OF_TOKENS, Deleter, Reader
from imagejob_gateway.http.services import Have
from imagejob_gateway.images.listing import page
from imagejob_gateway.images.outputs import download, find_output, store_of_outputs
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads.removal import remove

router = APIRouter(prefix=views.IMAGES, tags=["images"])

Output = Annotated[str, Path(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
Limit = Annotated[int, Query(ge=1, le=500, description="Images in a page.")]
Cursor = Annotated[str, Query(max_length=512, description="`next` of the page before.")]

COMMON = (*OF_TOKENS, ProblemReason.INVALID_PARAMETER)
NOT_UPLOAD = ProblemReason.METHOD_NOT_ALLOWED
"""Of the name `upload`, which is a path of its own."""

OF_ONE = (*COMMON, ProblemReason.NOT_FOUND, ProblemReason.API_SERVER_UNAVAILABLE)


@router.get("", operation_id="listImages", responses=documented(*COMMON))
async def list_images(
    services: Have, caller: Reader, which: Which, limit: Limit = 50, cursor: Cursor = ""
) -> ImageListModel:
    """List the caller's images, or with the scope `all` everybody's; the newest first.

    What comes or goes meanwhile neither repeats an image on another page nor hides one.
    """
    owner = None if caller.is_for_all else caller.owner
    try:
        found = page(services.cache.images(owner), limit, cursor, which)
    except ValueError as error:
        raise ProblemError(
            ProblemReason.INVALID_PARAMETER, f"cursor: {error}", field="cursor"
        ) from error
    images = [views.summary(each) for each in found.images]
    return ImageListModel(images=images, next=found.cursor or None)


@router.get("/{name}", operation_id="getImage", responses=documented(*OF_ONE, NOT_UPLOAD))
async def get_image(services: Have, caller: Reader, name: Name) -> ImageModel:
    """Show an image: its state, its outputs, and what was done with it."""
    return views.image(await own_image(services, caller, name))


@router.get(
    "/{name}/outputs/{output}",
    operation_id="getOutput",
    status_code=307,
    response_class=RedirectResponse,
    responses={
        307: {"description": "The output is at the URL in Location, for a few minutes."},
        **documented(*OF_ONE, ProblemReason.NOT_FINISHED, ProblemReason.STORE_NOT_FOUND),
    },
)
async def get_output(services: Have, caller: Reader, name: Name, output: Output) -> Response:
    """Redirect to an output in the store."""
    image = await own_image(services, caller, name)
    found = find_output(image, output)
    bucket = services.buckets.open(store_of_outputs(image))
    how = download(found)
    url = bucket.download_url(found.key, *how, services.settings.url_seconds)
    return RedirectResponse(url, 307, {"Content-Disposition": how.disposition})


@router.delete(
    "/{name}",
    operation_id="deleteImage",
    status_code=204,
    response_description="It is deleted.",
    responses=documented(*OF_ONE, NOT_UPLOAD, ProblemReason.STORAGE_UNAVAILABLE),
)
async def delete_image(services: Have, caller: Deleter, name: Name) -> None:
    """Delete an image: its original, its outputs, and its ImageJob."""
    image = await own_image(services, caller, name)
    await remove(image, services.settings.prefix, services.images, services.buckets)
