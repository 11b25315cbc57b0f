"""Northern lights, and a city by a river."""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from imagejob_demo.scenes.paint import (
    Colour,
    Size,
    add_light,
    clouds,
    fade,
    glow,
    gradient,
    grain,
    levels,
    mirror,
    polygon,
    ridge,
    speckle,
    texture,
    wave,
)


def aurora(size: Size) -> Image.Image:
    image = gradient(size, (0.0, (6, 10, 30)), (0.6, (14, 34, 62)), (1.0, (26, 54, 76)))
    _stars(image)
    for seed, height, colour in (
        (81, 0.5, (60, 250, 150)),
        (82, 0.4, (120, 90, 240)),
        (83, 0.58, (40, 220, 130)),
    ):
        image = add_light(image, colour, _curtain(size, seed, height))
    for seed, height, colour in ((84, 0.72, (58, 84, 110)), (85, 0.8, (30, 46, 68))):
        snow = texture(Image.new("RGB", size, colour), clouds(size, seed, (0.06, 0.05), 7), 0.8)
        image.paste(snow, mask=polygon(size, ridge(seed, height, 0.07)))
    _pines(image)
    return grain(image, 86, 0.1)


def _stars(image: Image.Image) -> None:
    chance, draw = random.Random(87), ImageDraw.Draw(image)
    width, height = image.size
    for _ in range(700):
        x, y = chance.random() * width, chance.random() * 0.75 * height
        light = chance.randrange(70, 255)
        radius = width / 3200 * (1 + light / 255)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(light,) * 3)


def _curtain(size: Size, seed: int, height: float) -> Image.Image:
    """A band whose lower edge is sharp and whose rays fade upwards."""
    rays = levels(speckle(size, seed, (0.012, 0.9)), 20, 255)
    folds = levels(speckle(size, seed + 100, (0.12, 0.7)), 60, 220)
    foot = wave(height, 0.07, 0.9, seed * 1.7)[1:-1]
    band = Image.new("L", size)
    for part in range(26):
        lift = 0.3 * part / 26
        outline = [(x, y - lift) for x, y in foot] + [(x, y - lift - 0.02) for x, y in foot[::-1]]
        band = ImageChops.lighter(band, polygon(size, outline).point([0] + [235 - 9 * part] * 255))
    band = band.filter(ImageFilter.GaussianBlur(0.006 * size[0]))
    return ImageChops.multiply(band, ImageChops.multiply(rays, folds).point(lambda v: 50 + v * 0.8))


def _pines(image: Image.Image) -> None:
    chance, draw = random.Random(88), ImageDraw.Draw(image)
    width, height = image.size
    for number in range(120):
        x, tall = (
            (number + chance.uniform(-0.4, 0.4)) / 118 * width,
            chance.uniform(0.06, 0.2) * height,
        )
        foot = (0.93 + 0.05 * chance.random()) * height
        for layer in range(6):
            top, half = foot - tall * (1 - layer / 7), tall * (0.04 + 0.028 * layer)
            branches = [(x, top), (x - half, top + tall * 0.24), (x + half, top + tall * 0.24)]
            draw.polygon(branches, fill=(8, 14, 22))
    draw.rectangle([0, 0.94 * height, width, height], fill=(10, 16, 24))


def city(size: Size) -> Image.Image:
    image = gradient(
        size,
        (0.0, (18, 24, 62)),
        (0.3, (84, 58, 112)),
        (0.58, (236, 138, 104)),
        (1.0, (255, 190, 120)),
    )
    image.paste((236, 150, 130), mask=levels(clouds(size, 91, (0.5, 0.08)), 118, 200, most=170))
    for seed, low, high, colour in (
        (92, 0.34, 0.56, (110, 78, 116)),
        (93, 0.3, 0.62, (58, 46, 84)),
        (94, 0.46, 0.66, (26, 24, 48)),
    ):
        _skyline(image, seed, low, high, colour)
    image = mirror(image, 0.7, ripple=95)
    return grain(_lamps(image), 96, 0.09)


def _skyline(image: Image.Image, seed: int, low: float, high: float, colour: Colour) -> None:
    chance, draw = random.Random(seed), ImageDraw.Draw(image)
    width, height = image.size
    x = -0.02
    while x < 1.0:
        wide, top = chance.uniform(0.03, 0.075), chance.uniform(low, high)
        draw.rectangle([x * width, top * height, (x + wide) * width, 0.71 * height], fill=colour)
        if chance.random() < 0.3:
            mast = (x + wide / 2) * width
            draw.line(
                [(mast, (top - 0.06) * height), (mast, top * height)], colour, 1 + width // 900
            )
        _windows(draw, chance, (x * width, top * height, (x + wide) * width, 0.7 * height), width)
        x += wide + chance.uniform(-0.012, 0.012)


def _windows(
    draw: ImageDraw.ImageDraw,
    chance: random.Random,
    box: tuple[float, float, float, float],
    width: int,
) -> None:
    left, top, right, bottom = box
    step = width / 190
    lit = chance.uniform(0.12, 0.5)
    tones = [(255, 214, 140), (255, 236, 190), (200, 220, 255), (255, 190, 110)]
    y = top + step
    while y < bottom - step:
        x = left + step * 0.7
        while x < right - step:
            if chance.random() < lit:
                draw.rectangle([x, y, x + step * 0.42, y + step * 0.62], fill=chance.choice(tones))
            x += step
        y += step * 1.5


def _lamps(image: Image.Image) -> Image.Image:
    """Street lamps along the quay, and the nearest ones out of focus."""
    size = image.size
    for number in range(14):
        at = (0.03 + number * 0.073, 0.695)
        image = add_light(image, (255, 196, 110), glow(size, at, 0.018, most=250))
    chance, lights = random.Random(97), Image.new("RGB", size)
    for _ in range(16):
        disc = Image.new("L", size)
        x, y, radius = chance.random(), chance.uniform(0.78, 1.0), chance.uniform(0.01, 0.03)
        reach = radius * size[0]
        box = [x * size[0] - reach, y * size[1] - reach, x * size[0] + reach, y * size[1] + reach]
        ImageDraw.Draw(disc).ellipse(box, fill=70)
        lights = add_light(
            lights, chance.choice([(255, 170, 90), (255, 110, 90), (140, 190, 255)]), disc
        )
    soft = lights.filter(ImageFilter.GaussianBlur(0.0015 * size[0]))
    dark = Image.composite(Image.new("RGB", size), image, fade(size, 0, 40))
    return ImageChops.screen(dark, soft)
