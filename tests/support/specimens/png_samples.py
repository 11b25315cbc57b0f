"""PNG files of any colour type and depth, written row by row (PNG, third edition, 7 to 9)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image

from . import png
from .samples import packed

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
MODES = {GREY: "L", RGB: "RGB", PALETTE: "P", GREY_ALPHA: "LA", RGB_ALPHA: "RGBA"}
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), PALETTE: (1, 2, 4, 8)}  # others have 8 and 16

# The first column and row of each of Adam7's passes, and the steps to the next.
ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
    (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip

Row = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Layout:
    """How samples lie. Rows are filtered as `filters` chooses."""

    colour: int = RGB
    depth: int = 8
    interlaced: bool = False
    filters: Random | None = None


def write(layout: Layout, rows: Sequence[Row], *chunks: bytes) -> bytes:
    """A file of rows of pixels of samples; `chunks` come before the image's data."""
    passes = ADAM7 if layout.interlaced else ((0, 0, 1, 1),)
    data = b"".join(
        _filtered(layout, [row[left::right] for row in rows[top::down]])
        for left, top, right, down in passes
        if left < len(rows[0])
    )
    head = png.header(
        len(rows[0]), len(rows), layout.depth, layout.colour, interlaced=layout.interlaced
    )
    body = png.chunk(b"IDAT", zlib.compress(data))
    return png.assemble(head, *chunks, body, png.chunk(b"IEND", b""))


def rows_of(layout: Layout, picture: Image.Image) -> list[list[Sequence[int]]]:
    """The picture's samples; palette indices by luminance."""
    most = (1 << layout.depth) - 1
    straight = picture.convert({PALETTE: "L"}.get(layout.colour, MODES[layout.colour]))
    channels = [channel.tobytes() for channel in straight.split()]
    pixels = [
        tuple(round(level * most / 255) for level in levels)
        for levels in zip(*channels, strict=True)
    ]
    width = picture.width
    return [list(pixels[at : at + width]) for at in range(0, len(pixels), width)]


def palette(layout: Layout) -> list[bytes]:
    if layout.colour != PALETTE:
        return []
    count = 1 << layout.depth
    levels = [at * 255 // (count - 1) for at in range(count)]
    colours = b"".join(
        bytes((level, levels[-1 - at], levels[(at * 5 + 1) % count]))
        for at, level in enumerate(levels)
    )
    return [png.chunk(b"PLTE", colours)]


def _filtered(layout: Layout, rows: Sequence[Row]) -> bytes:
    step = max(1, SAMPLES[layout.colour] * layout.depth // 8)
    above = b""
    out = bytearray()
    for row in rows:
        line = packed([sample for pixel in row for sample in pixel], layout.depth, ">")
        kind = layout.filters.randrange(5) if layout.filters is not None else 0
        out.append(kind)
        out += bytes(_differences(kind, line, above or bytes(len(line)), step))
        above = line
    return bytes(out)


def _differences(kind: int, line: bytes, above: bytes, step: int) -> Iterator[int]:
    for at, byte in enumerate(line):
        left = line[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))
        yield (byte - guess[kind]) % 256


def _paeth(left: int, above: int, corner: int) -> int:
    """The neighbour that is nearest to what a plane through all three would have."""
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))
