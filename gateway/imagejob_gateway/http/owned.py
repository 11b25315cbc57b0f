"""Images that a caller may know of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Path

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from imagejob_gateway.auth.caller import Caller
    from imagejob_gateway.images.kinds import Image

    from .services import Services

Name = Annotated[str, Path(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
"""The parameter of a route that is about one image."""


async def own_image(services: Services, caller: Caller, name: str) -> Image:
    """Return the image, if the caller may know of it. Raises ProblemError."""
    image = await services.images.read(name)
    if image is None or not caller.owns(image.owner):
        raise missing(name)
    return image


def missing(name: str) -> ProblemError:
    """Return the problem of an image that doesn't exist, or is somebody else's."""
    return ProblemError(ProblemReason.NOT_FOUND, f"There is no image {name}.", field="name")
