"""PNG: colour types, depths, interlacing, filters, transparent colours, orientation, profiles."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from support.gallery.case import Case, drawn, orientation_block, small
from support.gallery.descriptions import in_png
from support.judges import LIBVIPS
from support.specimens import png, png_samples
from support.specimens.png_samples import GREY_ALPHA, PALETTE, RGB_ALPHA, Layout


def make(rng: Random) -> Case:
    colour = rng.choice(list(png_samples.MODES))
    depth = rng.choice(png_samples.DEPTHS.get(colour, (8, 16)))
    layout = Layout(colour, depth, rng.random() < 0.5, rng)
    rows = png_samples.rows_of(layout, drawn(rng, small(rng)))
    chunks, colours, judge = [], "nothing", LIBVIPS
    if rng.random() < 0.5:
        chunks, colours, judge = in_png(rng, png_samples.MODES[colour])
    orientation = rng.randrange(1, 9)
    if orientation > 1:
        block = orientation_block(orientation, rng.choice("<>"))
        chunks.append(png.chunk(b"eXIf", block))
    transparent, clear = _clear(rng, layout, rows)
    chunks += [*png_samples.palette(layout), *clear]
    name = (
        f"type {colour} {depth}-bit{' interlaced' * layout.interlaced}"
        f"{' transparent' * transparent} orientation {orientation} {colours}"
    )
    return Case(name, "png", png_samples.write(layout, rows, *chunks), judge)


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
