"""The brushes: noise, gradients, shapes and light. Positions are fractions of width and height.

Nothing here may use Pillow's `effect_noise`, which draws from a generator that can't be seeded.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Size = tuple[int, int]
Colour = tuple[int, int, int]
Point = tuple[float, float]

BICUBIC = Image.Resampling.BICUBIC
BILINEAR = Image.Resampling.BILINEAR


def speckle(size: Size, seed: int, cell: Point) -> Image.Image:
    """Random greys, one for each cell, blurred into each other. `cell` is a fraction of `size`."""
    columns, rows = (
        max(2, min(round(1 / part), side)) for part, side in zip(cell, size, strict=True)
    )
    grid = Image.frombytes("L", (columns, rows), random.Random(seed).randbytes(columns * rows))
    return grid.resize(size, BICUBIC)


def clouds(size: Size, seed: int, cell: Point, octaves: int = 6) -> Image.Image:
    """Fractal noise: each octave half as coarse and half as strong as the one before."""
    total, strength = speckle(size, seed, cell), 1.0
    for octave in range(1, octaves):
        weight = 0.5**octave
        strength += weight
        finer = (cell[0] / 2**octave, cell[1] / 2**octave)
        total = Image.blend(total, speckle(size, seed + octave, finer), weight / strength)
    return total


def levels(mask: Image.Image, low: int, high: int, most: int = 255) -> Image.Image:
    """Stretch `low`…`high` to 0…`most`, and clip what is outside."""
    span = most / (high - low)
    table = [max(0, min(most, round((value - low) * span))) for value in range(256)]
    return mask.point(table)


def gradient(size: Size, *stops: tuple[float, Colour]) -> Image.Image:
    """Colours from top to bottom; `stops` are (height, colour), from 0 to 1."""
    column = Image.new("RGB", (1, 512))
    for row in range(512):
        column.putpixel((0, row), _between(stops, row / 511))
    return column.resize(size, BICUBIC)


def _between(stops: Sequence[tuple[float, Colour]], at: float) -> Colour:
    for (start, first), (end, second) in itertools.pairwise(stops):
        if at <= end:
            part = (at - start) / (end - start)
            red, green, blue = (
                round(a + (b - a) * part) for a, b in zip(first, second, strict=True)
            )
            return red, green, blue
    return stops[-1][1]


def fade(size: Size, top: int, bottom: int) -> Image.Image:
    """A mask that goes from `top` to `bottom`."""
    ends = Image.new("L", (1, 2), top)
    ends.putpixel((0, 1), bottom)
    return ends.resize(size, BILINEAR)


def polygon(size: Size, points: Sequence[Point], soft: float = 0.0) -> Image.Image:
    """A mask, smooth at its edge; `soft` is a blur, as a fraction of the width."""
    return _drawn(size, points, "polygon", soft)


def ellipse(size: Size, centre: Point, radius: Point, soft: float = 0.0) -> Image.Image:
    """A mask, as `polygon`. `radius` is in fractions of width and height."""
    (x, y), (across, down) = centre, radius
    return _drawn(size, [(x - across, y - down), (x + across, y + down)], "ellipse", soft)


def _drawn(size: Size, points: Sequence[Point], shape: str, soft: float) -> Image.Image:
    """Twice as large and then reduced: Pillow's shapes have no smooth edges of their own."""
    large = Image.new("L", (size[0] * 2, size[1] * 2))
    corners = [(x * large.width, y * large.height) for x, y in points]
    getattr(ImageDraw.Draw(large), shape)(corners, fill=255)
    mask = large.reduce(2)
    return mask.filter(ImageFilter.GaussianBlur(soft * size[0])) if soft else mask


def glow(size: Size, centre: Point, radius: float, most: int = 255) -> Image.Image:
    """Light that falls off with the distance; `radius` is a fraction of the width."""
    reach = max(1, round(radius * size[0]))
    falloff = levels(ImageChops.invert(Image.radial_gradient("L")), 75, 255, most)
    disc = falloff.resize((2 * reach, 2 * reach), BICUBIC)
    mask = Image.new("L", size)
    mask.paste(disc, (round(centre[0] * size[0]) - reach, round(centre[1] * size[1]) - reach))
    return mask


def ridge(seed: int, height: float, roughness: float, steps: int = 9) -> list[Point]:
    """A skyline by midpoint displacement, closed along the bottom so that it can be filled."""
    chance = random.Random(seed)
    heights = [height + chance.uniform(-roughness, roughness) for _ in range(3)]
    for _ in range(steps):
        roughness *= 0.53
        middles = [
            (a + b) / 2 + chance.uniform(-roughness, roughness)
            for a, b in itertools.pairwise(heights)
        ]
        heights = [value for pair in zip(heights, middles, strict=False) for value in pair] + [
            heights[-1]
        ]
    last = len(heights) - 1
    return [(0.0, 1.01), *((i / last, y) for i, y in enumerate(heights)), (1.0, 1.01)]


def wave(height: float, swing: float, bends: float, phase: float) -> list[Point]:
    """A soft skyline, closed as that of `ridge`."""
    curve = [
        (x / 200, height + swing * math.sin(phase + bends * x / 200 * math.tau)) for x in range(201)
    ]
    return [(0.0, 1.01), *curve, (1.0, 1.01)]


def texture(image: Image.Image, grey: Image.Image, strength: float) -> Image.Image:
    """Darken and lighten by a grey image, whose middle grey changes nothing."""
    shaded = ImageChops.overlay(image, Image.merge("RGB", [grey] * 3))
    return Image.blend(image, shaded, strength)


def add_light(image: Image.Image, colour: Colour, mask: Image.Image) -> Image.Image:
    """Brighten where the mask is, as a lamp would."""
    layer = Image.new("RGB", image.size)
    layer.paste(colour, mask=mask)
    return ImageChops.screen(image, layer)


def mirror(image: Image.Image, horizon: float, ripple: int) -> Image.Image:
    """Replace what is below the horizon by what is above it, as calm water shows it."""
    width, height = image.size
    edge = round(horizon * height)
    depth = height - edge
    above = image.crop((0, max(0, edge - depth), width, edge))
    water = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((width, depth), BILINEAR)
    water = water.filter(ImageFilter.BoxBlur((0.002 * width, 0.009 * height)))
    waves = clouds((width, depth), ripple, (0.22, 0.02), octaves=4)
    water = texture(water, levels(waves, 70, 185), 0.55)
    result = image.copy()
    result.paste(Image.blend(water, Image.new("RGB", water.size, (14, 22, 36)), 0.22), (0, edge))
    return result


def grain(image: Image.Image, seed: int, strength: float = 0.07) -> Image.Image:
    """What a sensor adds: without it no file would have the size of a photo's."""
    width, height = image.size
    raw = Image.frombytes("L", image.size, random.Random(seed).randbytes(width * height))
    return texture(image, raw, strength)
