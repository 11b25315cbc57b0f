"""APNG animations at random, of all colour types and depths, and a reader of them.

Every frame has the file's palette and transparent colour, as the format has no others.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import NamedTuple

from support.specimens import png
from support.specimens.png_samples import (
    ADAM7,
    GREY,
    GREY_ALPHA,
    PALETTE,
    RGB,
    RGB_ALPHA,
    SAMPLES,
)
from support.specimens.samples import packed

from .film import Disposal, Film, Frame, Pixel

LAYOUTS = [
    (GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16), (PALETTE, 1),
    (PALETTE, 2), (PALETTE, 4), (PALETTE, 8), (GREY_ALPHA, 8), (GREY_ALPHA, 16),
    (RGB_ALPHA, 8), (RGB_ALPHA, 16),
]  # fmt: skip
WITH_ALPHA = (GREY_ALPHA, RGB_ALPHA)
DISPOSALS: tuple[Disposal, ...] = ("none", "background", "previous")


class Layout(NamedTuple):
    """How samples are stored; `key` is the transparent colour."""

    colour: int
    depth: int
    interlaced: bool = False
    palette: tuple[Pixel, ...] = ()
    key: tuple[int, ...] | None = None

    def pixel(self, samples: tuple[int, ...]) -> Pixel:
        if self.colour == PALETTE:
            return self.palette[samples[0]]
        most = (1 << self.depth) - 1
        levels = [sample * 255 // most for sample in samples]
        colours = levels[:1] * 3 if self.colour in (GREY, GREY_ALPHA) else levels[:3]
        alpha = levels[-1] if self.colour in WITH_ALPHA else 255 * (samples != self.key)
        return colours[0], colours[1], colours[2], alpha


def make(random: Random) -> tuple[bytes, Film]:
    """A PNG file, and the film that it holds."""
    width, height = random.randint(1, 14), random.randint(1, 14)
    layout, apart = _layout(random), random.random() < 0.3
    pictures = [_frame(random, width, height, layout) for _ in range(random.randint(1, 6))]
    if not apart:
        whole = _samples(random, width * height, layout)
        pictures[0] = replace(pictures[0][0], left=0, top=0, width=width, height=height), whole
    frames = [_coloured(frame, samples, layout) for frame, samples in pictures]
    still = _samples(random, width * height, layout)
    numbers, plays, chunks = iter(range(1000)), random.choice([0, 1, 3]), []
    if apart:
        chunks += [png.chunk(b"IDAT", zlib.compress(_packed(still, width, layout)))]
    for number, (frame, samples) in enumerate(pictures):
        chunks.append(png.chunk(b"fcTL", _control(random, next(numbers), frame)))
        data = zlib.compress(_packed(samples, frame.width, layout))
        if number == 0 and not apart:
            chunks += [png.chunk(b"IDAT", piece) for piece in _pieces(random, data)]
        else:
            chunks += [
                png.chunk(b"fdAT", struct.pack(">I", next(numbers)) + piece)
                for piece in _pieces(random, data)
            ]
    header = png.header(width, height, layout.depth, layout.colour, interlaced=layout.interlaced)
    control = png.chunk(b"acTL", struct.pack(">II", len(frames), plays))
    file = png.assemble(header, control, *_colours(layout), *chunks, png.chunk(b"IEND", b""))
    shown = [layout.pixel(each) for each in still] if apart else None
    return file, Film(
        width, height, frames, plays, shown, frozenset(_features(frames, layout, apart=apart))
    )


def _features(frames: list[Frame], layout: Layout, *, apart: bool) -> Iterator[str]:
    yield f"colour type {layout.colour} of {layout.depth} bits"
    yield "default image apart" if apart else "default image is the first frame"
    yield from ["interlaced"] * layout.interlaced
    yield from ["transparent colour"] * (layout.key is not None)
    for frame in frames:
        yield "over" if frame.over else "source"
        yield f"disposal {frame.disposal}"


def _layout(random: Random) -> Layout:
    colour, depth = random.choice(LAYOUTS)
    if colour == PALETTE:
        alphas = random.choice([[255], [0, 255], [0, 90, 180, 255]])
        entries = ((*random.randbytes(3), random.choice(alphas)) for _ in range(1 << depth))
        palette = tuple((red, green, blue, alpha) for red, green, blue, alpha in entries)
        return Layout(colour, depth, random.random() < 0.3, palette)
    found = Layout(colour, depth, random.random() < 0.3)
    keyed = colour in (GREY, RGB) and random.random() < 0.6
    return found._replace(key=_samples(random, 1, found)[0]) if keyed else found


def _samples(random: Random, count: int, layout: Layout) -> list[tuple[int, ...]]:
    """Pixels of few colours. Samples of 16 bits have equal bytes: all ways to round them agree."""
    top = 255 if layout.depth == 16 else (1 << layout.depth) - 1
    scale = 257 if layout.depth == 16 else 1
    few = [
        tuple(
            random.choice([0, top, random.randint(0, top)]) * scale
            for _ in range(SAMPLES[layout.colour])
        )
        for _ in range(5)
    ]
    if layout.key is not None:
        few.append(layout.key)
    return [random.choice(few) for _ in range(count)]


def _frame(
    random: Random, width: int, height: int, layout: Layout
) -> tuple[Frame, list[tuple[int, ...]]]:
    left, top = random.randrange(width), random.randrange(height)
    size = random.randint(1, width - left), random.randint(1, height - top)
    if random.random() < 0.2:
        left, top, size = 0, 0, (width, height)
    shown, disposal = random.choice([0, 10, 30, 100]), random.choice(DISPOSALS)
    frame = Frame(left, top, *size, [], shown, disposal, over=random.random() < 0.6)
    return frame, _samples(random, size[0] * size[1], layout)


def _coloured(frame: Frame, samples: list[tuple[int, ...]], layout: Layout) -> Frame:
    return replace(frame, pixels=[layout.pixel(each) for each in samples])


def _control(random: Random, number: int, frame: Frame) -> bytes:
    box = (frame.width, frame.height, frame.left, frame.top)
    delay = random.choice([(frame.milliseconds, 1000), (frame.milliseconds // 10, 0)])
    operations = (DISPOSALS.index(frame.disposal), int(frame.over))
    return struct.pack(">I4I2HBB", number, *box, *delay, *operations)


def _colours(layout: Layout) -> Iterator[bytes]:
    if layout.palette:
        yield png.chunk(b"PLTE", b"".join(bytes(entry[:3]) for entry in layout.palette))
        yield png.chunk(b"tRNS", bytes(entry[3] for entry in layout.palette))
    elif layout.key is not None:
        yield png.chunk(b"tRNS", struct.pack(f">{len(layout.key)}H", *layout.key))


def _packed(samples: list[tuple[int, ...]], width: int, layout: Layout) -> bytes:
    rows = [samples[at : at + width] for at in range(0, len(samples), width)]
    passes = ADAM7 if layout.interlaced else ((0, 0, 1, 1),)
    data = b""
    for left, top, across, down in passes:
        for row in rows[top::down]:
            if part := row[left::across]:
                values = [value for pixel in part for value in pixel]
                data += b"\0" + packed(values, layout.depth, ">")
    return data


def _pieces(random: Random, data: bytes) -> list[bytes]:
    cut = random.randrange(len(data))
    return [data[:cut], data[cut:]] if random.random() < 0.5 else [data]
