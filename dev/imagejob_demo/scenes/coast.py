"""A lighthouse at dusk, and dunes."""

from __future__ import annotations

from PIL import Image, ImageDraw

from imagejob_demo.scenes.paint import (
    Size,
    add_light,
    clouds,
    ellipse,
    glow,
    gradient,
    grain,
    levels,
    mirror,
    polygon,
    ridge,
    texture,
    wave,
)


def lighthouse(size: Size) -> Image.Image:
    """Upright: higher than wide."""
    image = gradient(
        size,
        (0.0, (28, 42, 92)),
        (0.3, (92, 84, 138)),
        (0.5, (226, 142, 120)),
        (0.62, (250, 202, 148)),
        (1.0, (250, 202, 148)),
    )
    streaks = levels(clouds(size, 11, (0.5, 0.06)), 120, 220, most=170)
    image.paste((244, 176, 158), mask=streaks)
    image = mirror(image, 0.62, ripple=12)
    return grain(_tower(_headland(image)), 13, 0.13)


def _headland(image: Image.Image) -> Image.Image:
    size = image.size
    for seed, height, colour in ((21, 0.78, (52, 46, 62)), (22, 0.87, (28, 27, 38))):
        rock = Image.new("RGB", size, colour)
        rock = texture(rock, levels(clouds(size, seed, (0.09, 0.03), octaves=7), 60, 200), 0.9)
        slope = [(x, y + 0.26 * max(0.0, x - 0.72)) for x, y in ridge(seed, height, 0.05)]
        image.paste(rock, mask=polygon(size, slope))
    return image


def _tower(image: Image.Image) -> Image.Image:
    size = image.size
    for top, bottom, colour in (
        (0.33, 0.84, (232, 226, 220)),
        (0.44, 0.53, (178, 44, 42)),
        (0.64, 0.73, (178, 44, 42)),
    ):
        image.paste(colour, mask=polygon(size, _slice(top, bottom)))
    shadow = polygon(size, [(0.39, 0.33), (0.47, 0.33), (0.5, 0.84), (0.39, 0.84)], soft=0.02)
    inside = Image.composite(shadow, Image.new("L", size), polygon(size, _slice(0.33, 0.84)))
    image.paste((36, 34, 62), mask=levels(inside, 0, 255, most=115))
    gallery = polygon(size, [(0.3, 0.318), (0.54, 0.318), (0.53, 0.335), (0.31, 0.335)])
    image.paste((40, 38, 48), mask=gallery)
    image.paste((255, 236, 178), mask=polygon(size, _box(0.365, 0.268, 0.475, 0.318)))
    bars = ImageDraw.Draw(image)
    for x in (0.365, 0.402, 0.438, 0.475):
        at = x * size[0]
        bars.line([(at, 0.268 * size[1]), (at, 0.318 * size[1])], (40, 38, 48), size[0] // 200)
    image.paste((150, 40, 40), mask=polygon(size, [(0.35, 0.268), (0.42, 0.222), (0.49, 0.268)]))
    for low, high, most in ((0.02, 0.28, 120), (0.12, 0.22, 90)):
        beam = polygon(size, [(0.44, 0.29), (1.05, low), (1.05, high)], soft=0.012)
        image = add_light(image, (255, 228, 170), levels(beam, 0, 255, most))
    return add_light(image, (255, 214, 150), glow(size, (0.42, 0.293), 0.24, most=230))


def _slice(top: float, bottom: float) -> list[tuple[float, float]]:
    """A part of the tower, which grows wider towards the ground."""
    edges = [(y, 0.062 + 0.07 * (y - 0.33)) for y in (top, bottom)]
    (high, narrow), (low, wide) = edges
    return [(0.42 - narrow, high), (0.42 + narrow, high), (0.42 + wide, low), (0.42 - wide, low)]


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def dunes(size: Size) -> Image.Image:
    image = gradient(size, (0.0, (92, 150, 206)), (0.42, (206, 218, 220)), (1.0, (232, 214, 184)))
    image.paste((250, 248, 240), mask=levels(clouds(size, 31, (0.4, 0.12)), 128, 215, most=190))
    image = add_light(image, (255, 240, 200), glow(size, (0.8, 0.12), 0.3, most=210))
    layers = [
        (0.43, 0.025, 0.8, 0.4, (222, 186, 146), (196, 152, 116)),
        (0.52, 0.05, 0.6, 2.6, (230, 178, 122), (176, 118, 78)),
        (0.66, 0.09, 0.75, 4.9, (236, 172, 102), (158, 94, 54)),
        (0.86, 0.11, 0.55, 0.6, (240, 176, 102), (128, 72, 42)),
    ]
    for number, (height, swing, bends, phase, bright, dark) in enumerate(layers):
        crest = wave(height, swing, bends, phase)
        sand = gradient(size, (0.0, bright), (height - 0.05, bright), (1.0, dark))
        lee = polygon(size, [(1.3 * x - 0.1, 2 * y - height + 0.05) for x, y in crest], soft=0.018)
        sand.paste(dark, mask=levels(lee, 0, 255, most=170))
        ripples = clouds(size, 40 + number, (0.16, 0.006 + 0.004 * number), octaves=3)
        sand = texture(sand, levels(ripples, 40, 215), 0.14 + 0.03 * number)
        image.paste(sand, mask=polygon(size, crest))
    _caravan(image)
    return grain(image, 33, 0.09)


def _caravan(image: Image.Image) -> None:
    """A few walkers on a crest, to give the sand its size."""
    for step in range(5):
        x, y = 0.22 + 0.022 * step, 0.519 - 0.001 * step
        image.paste((58, 40, 40), mask=ellipse(image.size, (x, y), (0.0026, 0.012)))
        image.paste((66, 44, 40), mask=ellipse(image.size, (x, y - 0.014), (0.002, 0.0034)))
