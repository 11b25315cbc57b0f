"""TIFF files of any layout of samples, written bit by bit (TIFF 6.0).

A picture is a function of colours between 0 and 1, stored as the layout says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from . import strips
from .ifd import LONG, SHORT, UNDEFINED, Directory, Value, tiff

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR, LAB = 0, 1, 2, 3, 4, 5, 6, 8
COLOURS = {RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3, 9: 3}
UNSPECIFIED, ASSOCIATED, UNASSOCIATED, COREL = 0, 1, 2, 999
UINT, INT, FLOAT, VOID = 1, 2, 3, 4

Colour = tuple[float, float, float, float]
"""Red, green, blue and alpha, 0 to 1."""
Paint = Callable[[int, int], Colour]
Pixel = tuple[float, ...]


@dataclass(frozen=True)
class Layout:
    """How samples lie. `tile` is the side of a tile, 0 for strips of `rows`."""

    photometric: int = RGB
    bits: int = 8
    extra: tuple[int, ...] = ()
    planar: bool = False
    order: str = "<"
    compression: int = strips.NONE
    predictor: int = 1
    format: int = UINT
    fill_order: int = 1
    map_bits: int = 16
    orientation: int = 1
    orientation_kind: int = SHORT
    tile: int = 0
    rows: int = 8
    subsampled: bool = False
    profile: bytes = b""
    without: tuple[int, ...] = ()
    more: dict[int, tuple[int, Value]] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return COLOURS.get(self.photometric, 1) + len(self.extra)


def write(layout: Layout, paint: Paint, sides: tuple[int, int] = (24, 16)) -> bytes:
    """A file of one image; `sides` as stored, before it is turned."""
    width, height = sides
    picture = [[stored(layout, paint(x, y)) for x in range(width)] for y in range(height)]
    pieces = [_piece(layout, block) for block in _blocks(layout, picture)]
    tags = _tags(layout, width, height)
    starts, lengths = (324, 325) if layout.tile else (273, 279)
    tags[lengths] = LONG, [len(piece) for piece in pieces]
    # All pieces follow the header, so that their places are known before the directory's.
    at, offsets = 8, []
    for piece in pieces:
        offsets.append(at)
        at += len(piece)
    tags[starts] = LONG, offsets
    for tag in layout.without:
        del tags[tag]
    return tiff([Directory(tags)], layout.order, ahead=b"".join(pieces))


def stored(layout: Layout, colour: Colour) -> Pixel:
    """The samples of one pixel, colours first."""
    red, green, blue, alpha = colour
    if ASSOCIATED in layout.extra:
        red, green, blue = red * alpha, green * alpha, blue * alpha
    grey = 0.3 * red + 0.6 * green + 0.1 * blue
    inks = 1 - red, 1 - green, 1 - blue
    parts: dict[int, Pixel] = {
        WHITE_IS_ZERO: (1 - grey,),
        RGB: (red, green, blue),
        CMYK: (*inks, min(inks) / 2),
        YCBCR: (
            0.299 * red + 0.587 * green + 0.114 * blue,
            0.5 - 0.168736 * red - 0.331264 * green + 0.5 * blue,
            0.5 + 0.5 * red - 0.418688 * green - 0.081312 * blue,
        ),
        LAB: (grey, (red - green) * 0.2 % 1, (green - blue) * 0.2 % 1),  # a and b are signed
    }
    more = [alpha if kind in (ASSOCIATED, UNASSOCIATED, COREL) else 0.4 for kind in layout.extra]
    colours = parts.get(layout.photometric, (grey,) * COLOURS.get(layout.photometric, 1))
    return tuple(_number(layout, part) for part in (*colours, *more))


def _number(layout: Layout, part: float) -> float:
    if layout.format == FLOAT:
        return part
    most = (1 << (layout.bits - (layout.format == INT))) - 1
    return round(part * most)


def _blocks(layout: Layout, picture: list[list[Pixel]]) -> Iterator[list[list[Pixel]]]:
    """The pixels of each strip or tile, of each plane after the other; tiles are filled up."""
    planes = [[at] for at in range(layout.samples)] if layout.planar else [range(layout.samples)]
    side = layout.tile
    for plane in planes:
        rows = [[tuple(pixel[at] for at in plane) for pixel in row] for row in picture]
        for top in range(0, len(rows), side or layout.rows):
            strip = rows[top : top + (side or layout.rows)]
            if not side:
                yield strip
                continue
            strip += [strip[-1]] * (side - len(strip))
            for left in range(0, len(rows[0]), side):
                cut = [row[left : left + side] for row in strip]
                yield [row + [row[-1]] * (side - len(row)) for row in cut]


def _piece(layout: Layout, block: list[list[Pixel]]) -> bytes:
    """One strip or tile, compressed."""
    width, height, samples = len(block[0]), len(block), len(block[0][0])
    if layout.subsampled and layout.compression != strips.JPEG:
        data = bytes(int(sample) for sample in _subsampled(block))
    else:
        data = b"".join(_row(layout, row) for row in block)
    chroma = None if layout.photometric != YCBCR else 2 if layout.subsampled else 0
    piece = strips.compress(layout.compression, data, (width, height, samples), chroma)
    return piece if layout.fill_order == 1 else bytes(int(f"{b:08b}"[::-1], 2) for b in piece)


def _row(layout: Layout, row: list[Pixel]) -> bytes:
    samples = [sample for pixel in row for sample in pixel]
    if layout.predictor == 2:
        step, wrap = len(row[0]), 1 << layout.bits
        before = [0.0] * step + samples
        samples = [(sample - before[at]) % wrap for at, sample in enumerate(samples)]
    if layout.format == FLOAT:
        letter = {16: "e", 32: "f", 64: "d"}[layout.bits]
        return struct.pack(f"{layout.order}{len(samples)}{letter}", *samples)
    return packed([int(sample) for sample in samples], layout.bits, layout.order)


def packed(samples: Sequence[int], bits: int, order: str) -> bytes:
    """A row of samples; those that aren't whole bytes begin with the highest bit."""
    whole = [sample & (1 << bits) - 1 for sample in samples]
    if letter := {8: "B", 16: "H", 32: "I"}.get(bits):
        return struct.pack(f"{order}{len(whole)}{letter}", *whole)
    text = "".join(f"{sample:0{bits}b}" for sample in whole)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _subsampled(block: list[list[Pixel]]) -> Iterator[float]:
    """Of each two by two pixels four lumas, then the first one's chroma."""
    for top in range(0, len(block), 2):
        for left in range(0, len(block[0]), 2):
            four = [block[top + down][left + right] for down in (0, 1) for right in (0, 1)]
            yield from (pixel[0] for pixel in four)
            yield from four[0][1:]


def _tags(layout: Layout, width: int, height: int) -> dict[int, tuple[int, Value]]:
    tags: dict[int, tuple[int, Value]] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [layout.bits] * layout.samples),
        259: (SHORT, [layout.compression]),
        262: (SHORT, [layout.photometric]),
        266: (SHORT, [layout.fill_order]),
        277: (SHORT, [layout.samples]),
        284: (SHORT, [2 if layout.planar else 1]),
        339: (SHORT, [layout.format] * layout.samples),
    }
    if layout.tile:
        tags |= {322: (LONG, [layout.tile]), 323: (LONG, [layout.tile])}
    else:
        tags[278] = LONG, [layout.rows]
    if layout.orientation != 1:
        value: Value = [layout.orientation]
        tags[274] = layout.orientation_kind, value
    if layout.predictor != 1:
        tags[317] = SHORT, [layout.predictor]
    if layout.extra:
        tags[338] = SHORT, list(layout.extra)
    if layout.photometric == PALETTE:
        tags[320] = SHORT, colour_map(1 << layout.bits, layout.map_bits)
    if layout.photometric == YCBCR:
        tags[530] = SHORT, [2, 2] if layout.subsampled else [1, 1]
        tags[532] = 5, [(0, 1), (255, 1), (128, 1), (255, 1), (128, 1), (255, 1)]
    if layout.profile:
        tags[34675] = UNDEFINED, layout.profile
    return tags | layout.more


@cache
def colour_map(count: int, bits: int) -> Sequence[int]:
    """All reds, all greens, all blues, each of them different for each index."""
    most = (1 << bits) - 1
    parts = [at / (count - 1) for at in range(count)]
    reds, greens = parts, parts[::-1]
    blues = [parts[(at * 5 + 1) % count] for at in range(count)]
    return tuple(round(part * most) for part in (*reds, *greens, *blues))
