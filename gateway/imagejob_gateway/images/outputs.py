"""Outputs of an image, and how they are handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from imagejob_operator.api.imagejob import OutputStatus

    from .kinds import Image

EXTENSIONS = {"jpeg": "jpg"}
"""Where the format's name isn't the usual one."""


class Download(NamedTuple):
    """How a browser is to take an object."""

    content_type: str
    disposition: str


def find_output(image: Image, name: str) -> OutputStatus:
    """Return a stored output. Raises ProblemError."""
    found = next((each for each in image.status.outputs if each.name == name), None)
    if found is not None:
        return found
    if image.status.phase == "Succeeded":
        raise ProblemError(
            ProblemReason.NOT_FOUND, f"The image has no output {name}.", field="output"
        )
    detail = f"The image is {image.phase}; it has no outputs."
    raise ProblemError(ProblemReason.NOT_FINISHED, detail)


def store_of_outputs(image: Image) -> str:
    """Return the name of the store that the outputs are in."""
    destination = image.spec.destination
    reference = destination.store_ref if destination else None
    return (reference or image.spec.source.store_ref).name


def download(output: OutputStatus) -> Download:
    """Outputs are images that a worker has drawn, so a browser may show them."""
    extension = EXTENSIONS.get(output.format, output.format)
    return Download(f"image/{output.format}", f'inline; filename="{output.name}.{extension}"')
