"""Step: which format `auto` means for one output, and whether it is lossless.

By what the output's first frame shows (`image/content.py` measures it), not by the source's format:

- drawn (screenshots, diagrams, text, logos, at most 16 colours): lossless WebP
- softly drawn, such as a screenshot that was reduced; an animation; transparency that shows: WebP
- anything else, such as photographs: JPEG

A side over what WebP can hold falls back to PNG for what is drawn or transparent, else to JPEG.
`keep_within_source` may replace the choice, if it comes out larger than the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.content import Content, measure
from imagejob_worker.image.steps.canvas import parse_colour
from imagejob_worker.image.steps.modes import has_transparency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Output
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.jpeg_settings import JpegSettings
    from imagejob_worker.image.raster import Raster
    from imagejob_worker.image.steps.canvas import Colour

MAX_SIDES: dict[MadeFormat, int] = {"webp": 16_383, "jpeg": 65_500, "avif": 65_535, "png": 65_535}


class Choice(msgspec.Struct, frozen=True):
    """An output's format. `optional`: lossless may be given up for a smaller file.

    `like_source`: a JPEG with the settings of the source, also a JPEG, in place of a quality.
    `thorough`: a lossless WebP that takes five times as long for some bytes less.
    """

    format: MadeFormat
    lossless: bool = False
    optional: bool = False
    like_source: JpegSettings | None = None
    thorough: bool = False


def choose_format(output: OutputContext) -> None:
    """Raises TooLarge if the format can't hold the canvas."""
    asked, placement = output.plan.output, output.plan.placement
    output.choice = choose(
        asked,
        placement.canvas,
        content=measure(output.rasters[0].image).content if asked.format == "auto" else None,
        transparent=_shows_transparency(
            output.rasters, parse_colour(asked.background), padded=placement.padded
        ),
        animated=output.animation is not None,
    )


def choose(
    output: Output,
    canvas: tuple[int, int],
    *,
    content: Content | None,
    transparent: bool,
    animated: bool,
) -> Choice:
    """Return the format for a canvas of this size. Raises TooLarge if it can't hold it.

    `content` is needed for `auto` only.
    """
    if output.format != "auto":
        choice = Choice(output.format, output.lossless or output.format == "png")
    elif max(canvas) > MAX_SIDES["webp"]:
        exact = transparent or content is Content.DRAWN
        choice = Choice("png", lossless=True) if exact else Choice("jpeg")
    elif content is Content.DRAWN or output.lossless:
        choice = Choice("webp", lossless=True, optional=not output.lossless)
    elif animated or transparent or content is Content.SOFT:
        choice = Choice("webp")
    else:
        choice = Choice("jpeg")
    limit = MAX_SIDES[choice.format]
    if max(canvas) > limit:
        raise too_long(output.name, canvas, choice.format, limit)
    return choice


def too_long(name: str, canvas: tuple[int, int], what: str, limit: int) -> ItemFailure:
    """The failure of an output with a longer side than its format, or any, can have."""
    width, height = canvas
    message = f"output {name}: {width} x {height}; the longest side of {what} is {limit:,}"
    return ItemFailure("TooLarge", message)


def _shows_transparency(
    rasters: Sequence[Raster], background: Colour | None, *, padded: bool
) -> bool:
    """Whether the output would show transparency if its format has any."""
    if background is not None and (background[3] == 255 or padded):
        return background[3] < 255
    return any(has_transparency(raster.image) for raster in rasters)
