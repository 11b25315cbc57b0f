"""Step: which format `auto` means for one output, and whether it is lossless.

- an animation: WebP
- transparency that shows: WebP
- a palette in the source (drawings, screenshots, GIF): WebP, lossless if it was not resized; a
  resized one has as many colours as a photo
- anything else: JPEG

A side over what WebP can hold falls back to PNG, or to JPEG if the picture is opaque.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Output

MAX_SIDES: dict[MadeFormat, int] = {"webp": 16_383, "jpeg": 65_500, "avif": 65_535, "png": 65_535}


class Choice(msgspec.Struct, frozen=True):
    """An output's format; `optional` lossless may be given up to keep to maxBytes."""

    format: MadeFormat
    lossless: bool = False
    optional: bool = False


def choose(
    output: Output,
    canvas: tuple[int, int],
    *,
    transparent: bool,
    animated: bool,
    palette: bool,
    resized: bool,
) -> Choice:
    """The format for a canvas of this size. Raises TooLarge if the format can't hold it."""
    if output.format != "auto":
        choice = Choice(output.format, output.lossless or output.format == "png")
    elif max(canvas) > MAX_SIDES["webp"]:
        choice = Choice("png", lossless=True) if transparent else Choice("jpeg")
    elif palette and not resized:
        choice = Choice("webp", lossless=True, optional=not output.lossless)
    elif animated or transparent or palette or output.lossless:
        choice = Choice("webp", output.lossless)
    else:
        choice = Choice("jpeg")
    limit = MAX_SIDES[choice.format]
    if max(canvas) > limit:
        raise ItemFailure(
            "TooLarge",
            f"output {output.name}: {canvas[0]} x {canvas[1]}; {choice.format} holds {limit:,}",
        )
    return choice
