"""Exact palettes: the same pixels with one byte each, where an image has few colours.

Pillow's own `quantize` merges colours that are close, and knows no alpha that is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    Colour = tuple[int, ...]

MOST = 256
OVERHEAD = 24
"""Bytes of a PNG's chunks PLTE and tRNS without their values."""

STRIP = 1024 * 1024
"""Pixels that are looked up at once: they take about 16 bytes each meanwhile."""


def with_palette(image: Image.Image) -> tuple[Image.Image, bytes] | None:
    """Return the image in mode P, and the alpha of each colour, up to the last that has any.

    None if that makes nothing smaller: with more than 256 colours, 16 of grey, or few pixels.
    Colours that differ only in alpha, or under alpha 0, are different ones. For L, RGB and RGBA.
    """
    counted = image.getcolors(16 if image.mode == "L" else MOST)
    if counted is None:
        return None
    if not _is_smaller(image, len(counted)):
        return None
    found = [cast("Colour", (each if isinstance(each, tuple) else (each,))) for _, each in counted]
    colours = sorted(found, key=lambda colour: (colour[3:] == (255,), colour))
    indexed = Image.new("P", image.size)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        indexed.paste(_looked_up(strip, colours), (0, top))
    indexed.putpalette(bytes(value for colour in colours for value in (colour * 3)[:3]))  # L: v v v
    alpha = bytes(colour[3] for colour in colours if len(colour) > 3)
    return indexed, alpha.rstrip(b"\xff")


def _is_smaller(image: Image.Image, colours: int) -> bool:
    """Whether indices and palette take fewer bytes than the pixels, before both are compressed."""
    bits = next(bits for bits in (1, 2, 4, 8) if colours <= 2**bits)
    pixels, bands = image.width * image.height, len(image.getbands())
    return OVERHEAD + colours * max(3, bands) + pixels * bits / 8 < pixels * bands


def _looked_up(image: Image.Image, colours: Sequence[Colour]) -> Image.Image:
    """Return each pixel's index, band by band: the number of what was seen in the bands before,
    and a band's value, give the number of both together."""
    first, *bands = image.split()
    numbers: dict[Colour, int] = {(value,): value for value in range(MOST)}
    for depth, band in enumerate(bands, start=2):
        prefixes = sorted({colour[:depth] for colour in colours})
        table = [0] * (MOST * MOST)
        for number, prefix in enumerate(prefixes):
            table[numbers[prefix[:-1]] + MOST * prefix[-1]] = number
        pairs = Image.merge("LA", (first, band)).tobytes()
        first = _mapped(Image.frombytes("I;16", image.size, pairs).convert("I"), table)
        numbers = {prefix: number for number, prefix in enumerate(prefixes)}
    order = [0] * MOST
    for index, colour in enumerate(colours):
        order[numbers[colour]] = index
    return first.point(order)


def _mapped(image: Image.Image, table: list[int]) -> Image.Image:
    """As `Image.point`, which takes ten times as long: it rounds all of a table's numbers first."""
    return Image.Image()._new(image.im.point(table, "L"))  # noqa: SLF001 (as in strip_metadata)
