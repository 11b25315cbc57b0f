"""What an image shows: something drawn (screenshots, diagrams, text, logos), or a photograph.

What is drawn has areas of exactly one colour, and clear steps between them; a photograph changes a
little everywhere. Two figures say so, of the pixels of a sample that have one above and one to the
left, where a pixel's change is the largest difference of any channel to either:

- flat: the share of pixels that don't change
- step: the mean change, 0 to 255, of those that do

DRAWN: at least 0.6 flat, with steps of at least 20; or at most 16 colours. SOFT: at least 0.25
flat, with steps of at least 15: drawings that were reduced, and pages with photographs. Anything
else is PHOTO: photographs are hardly flat, and those before a plain ground have small steps, as
smooth gradients have.

The thresholds are those with the fewest misses on the pictures of tests/support/corpus.py; record
0051 has the table. Colours count as much as their alpha: what is transparent has none.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec
from PIL import Image

if TYPE_CHECKING:
    from imagejob_worker.image.geometry import Size

TILE = 32
TILES = 8
"""The sample: so many tiles across and down, evenly spread. Their edges change what is measured by
3 %; all pixels of a large image would cost as much as encoding it."""

DRAWN_FLAT, DRAWN_STEP = 0.6, 20
SOFT_FLAT, SOFT_STEP = 0.25, 15
FEW_COLOURS = 16


class Content(Enum):
    """See the module."""

    DRAWN = auto()
    SOFT = auto()
    PHOTO = auto()


class Measure(msgspec.Struct, frozen=True):
    """The two figures, and whether the sample has few colours."""

    flat: float
    step: float
    few_colours: bool

    @property
    def content(self) -> Content:
        """The kind, by the thresholds."""
        if self.few_colours or (self.flat >= DRAWN_FLAT and self.step >= DRAWN_STEP):
            return Content.DRAWN
        if self.flat >= SOFT_FLAT and self.step >= SOFT_STEP:
            return Content.SOFT
        return Content.PHOTO


def measure(image: Image.Image) -> Measure:
    """Measure an image of mode L, RGB or RGBA; at least one pixel."""
    sample = _sample(image)
    if sample.mode == "RGBA":
        sample = Image.merge("RGBA", sample.convert("RGBa").split())
    few_colours = sample.getcolors(FEW_COLOURS) is not None
    if min(sample.size) < 2:  # no pixel has both neighbours
        return Measure(0.0, 0.0, few_colours)
    counts = _changes(sample)
    changed = sum(counts[1:])
    total = sum(change * count for change, count in enumerate(counts))
    return Measure(counts[0] / sum(counts), total / max(1, changed), few_colours)


def _changes(sample: Image.Image) -> list[int]:
    """Return how many pixels change by 0, 1, … 255."""
    from PIL import ImageChops  # for `auto` only

    width, height = sample.size
    here = sample.crop((1, 1, width, height))
    before = sample.crop((0, 1, width - 1, height)), sample.crop((1, 0, width, height - 1))
    left, above = (ImageChops.difference(here, each) for each in before)
    largest, *others = ImageChops.lighter(left, above).split()
    for band in others:
        largest = ImageChops.lighter(largest, band)
    return largest.histogram()


def _sample(image: Image.Image) -> Image.Image:
    """Return tiles of the image side by side; the whole image if it is no larger."""
    if image.width * image.height <= (TILE * TILES) ** 2:
        return image
    tile = min(TILE, image.width), min(TILE, image.height)
    sample = Image.new(image.mode, (tile[0] * TILES, tile[1] * TILES))
    for row in range(TILES):
        for column in range(TILES):
            left, top = _at(image.size, tile, column, row)
            piece = image.crop((left, top, left + tile[0], top + tile[1]))
            sample.paste(piece, (column * tile[0], row * tile[1]))
    return sample


def _at(size: Size, tile: Size, column: int, row: int) -> Size:
    """Return a tile's corner: the first and the last lie at the image's edges."""
    return (
        (size[0] - tile[0]) * column // (TILES - 1),
        (size[1] - tile[1]) * row // (TILES - 1),
    )
