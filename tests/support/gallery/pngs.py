"""PNG: colour types, depths, interlacing, filters, transparent colours, orientation, profiles."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from PIL import Image

from support.gallery.case import Case, drawn, small
from support.gallery.descriptions import in_png
from support.judges import LIBVIPS
from support.specimens import png, png_samples
from support.specimens.ifd import SHORT, Directory, tiff
from support.specimens.png_samples import GREY, GREY_ALPHA, PALETTE, RGB, RGB_ALPHA, Layout

MODES = {GREY: "L", RGB: "RGB", PALETTE: "P", GREY_ALPHA: "LA", RGB_ALPHA: "RGBA"}
ORIENTATION = 274


def make(rng: Random) -> Case:
    colour = rng.choice(list(MODES))
    depth = rng.choice(png_samples.DEPTHS.get(colour, (8, 16)))
    layout = Layout(colour, depth, rng.random() < 0.5, rng)
    rows = rows_of(layout, drawn(rng, small(rng)))
    chunks, colours, judge = [], "nothing", LIBVIPS
    if rng.random() < 0.5:
        chunks, colours, judge = in_png(rng, MODES[colour])
    orientation = rng.randrange(1, 9)
    if orientation > 1:
        block = tiff([Directory({ORIENTATION: (SHORT, [orientation])})], rng.choice("<>"))
        chunks.append(png.chunk(b"eXIf", block))
    transparent, clear = _clear(rng, layout, rows)
    chunks += [*_palette(layout), *clear]
    name = (
        f"type {colour} {depth}-bit{' interlaced' * layout.interlaced}"
        f"{' transparent' * transparent} orientation {orientation} {colours}"
    )
    return Case(name, "png", png_samples.write(layout, rows, *chunks), judge)


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


def _palette(layout: Layout) -> list[bytes]:
    if layout.colour != PALETTE:
        return []
    count = 1 << layout.depth
    levels = [at * 255 // (count - 1) for at in range(count)]
    colours = b"".join(
        bytes((level, levels[-1 - at], levels[(at * 5 + 1) % count]))
        for at, level in enumerate(levels)
    )
    return [png.chunk(b"PLTE", colours)]


def _clear(
    rng: Random, layout: Layout, rows: list[list[Sequence[int]]]
) -> tuple[bool, list[bytes]]:
    """In half of the files that can have it: a transparent colour, or alpha of each index."""
    if layout.colour in (GREY_ALPHA, RGB_ALPHA) or rng.random() < 0.5:
        return False, []
    if layout.colour == PALETTE:
        count = rng.randrange(1, (1 << layout.depth) + 1)
        return True, [png.chunk(b"tRNS", bytes(rng.randrange(256) for _ in range(count)))]
    colour = rng.choice(rng.choice(rows))
    return True, [png.chunk(b"tRNS", struct.pack(f">{len(colour)}H", *colour))]
