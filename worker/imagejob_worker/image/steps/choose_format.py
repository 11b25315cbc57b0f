"""Step: which format `auto` means for one output, and whether it is lossless.

- an animation: WebP
- transparency that shows: WebP
- a palette in the source (drawings, screenshots, GIF): WebP, lossless if it was not resized; a
  resized one has as many colours as a photo
- anything else: JPEG

A side over what WebP can hold falls back to PNG, or to JPEG if the image is opaque.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.steps.canvas import parse_colour
from imagejob_worker.image.steps.modes import has_transparency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Output
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.raster import Raster
    from imagejob_worker.image.steps.canvas import Colour

MAX_SIDES: dict[MadeFormat, int] = {"webp": 16_383, "jpeg": 65_500, "avif": 65_535, "png": 65_535}


class Choice(msgspec.Struct, frozen=True):
    """An output's format. `optional`: lossless may be given up to keep within maxBytes."""

    format: MadeFormat
    lossless: bool = False
    optional: bool = False


def choose_format(output: OutputContext) -> None:
    """Raises TooLarge if the format can't hold the canvas."""
    asked, placement = output.plan.output, output.plan.placement
    output.choice = choose(
        asked,
        placement.canvas,
        transparent=_shows_transparency(
            output.rasters, parse_colour(asked.background), padded=placement.padded
        ),
        animated=output.animation is not None,
        palette=output.source.probe.palette,
        resized=placement.size != placement.extent,
    )


def choose(
    output: Output,
    canvas: tuple[int, int],
    *,
    transparent: bool,
    animated: bool,
    palette: bool,
    resized: bool,
) -> Choice:
    """Return the format for a canvas of this size. Raises TooLarge if it can't hold it."""
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


def _shows_transparency(
    rasters: Sequence[Raster], background: Colour | None, *, padded: bool
) -> bool:
    """Whether the output would show transparency if its format has any."""
    if background is not None and (background[3] == 255 or padded):
        return background[3] < 255
    return any(has_transparency(raster.image) for raster in rasters)
