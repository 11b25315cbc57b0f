"""A poppy close by, and an orange cut out for a shop's page."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageFilter

from imagejob_demo.scenes.paint import (
    Point,
    Size,
    add_light,
    clouds,
    ellipse,
    glow,
    gradient,
    grain,
    levels,
    polygon,
    speckle,
    texture,
)


def poppy(size: Size) -> Image.Image:
    image = gradient(size, (0.0, (126, 160, 96)), (0.6, (84, 122, 58)), (1.0, (40, 72, 34)))
    image = texture(image, levels(clouds(size, 101, (0.4, 0.4), 2), 40, 215), 0.8)
    image = _bokeh(image)
    stem = polygon(size, [(0.485, 0.5), (0.515, 0.5), (0.56, 1.01), (0.53, 1.01)], soft=0.003)
    image.paste((70, 104, 48), mask=stem)
    for turn, reach, tone in (
        (0.0, 0.33, 176),
        (math.pi / 2, 0.34, 186),
        (math.pi, 0.33, 196),
        (-math.pi / 2, 0.3, 218),
        (0.75, 0.25, 206),
        (2.3, 0.26, 228),
    ):
        _petal(image, turn, reach, tone)
    _heart(image)
    return grain(image, 103, 0.07)


def _bokeh(image: Image.Image) -> Image.Image:
    chance = random.Random(102)
    for _ in range(14):
        at, radius = (chance.random(), chance.random()), chance.uniform(0.03, 0.09)
        disc = levels(ellipse(image.size, at, (radius, radius), soft=0.006), 0, 255, most=60)
        image = add_light(image, (250, 250, 170), disc)
    return image


def _petal(image: Image.Image, turn: float, reach: float, tone: int) -> None:
    """A wavy fan from the heart outwards, with a shadow on the petals below."""
    size = image.size
    outline: list[Point] = []
    for step in range(61):
        angle = turn + (step / 60 - 0.5) * 2.3
        swell = math.cos((step / 60 - 0.5) * math.pi) ** 0.4
        far = reach * swell * (1 + 0.035 * math.sin(step * 0.9 + turn * 5))
        outline.append((0.5 + far * math.cos(angle), 0.48 + far * math.sin(angle)))
    outline.append((0.5, 0.48))
    silk = Image.new("RGB", size, (tone, 32 + tone // 12, 24))
    silk = texture(silk, levels(speckle(size, int(tone), (0.03, 0.03)), 30, 225), 0.24)
    silk = Image.composite(
        Image.new("RGB", size, (96, 8, 14)), silk, glow(size, (0.5, 0.48), 0.3, 230)
    )
    shadow = polygon(size, [(x + 0.008, y + 0.012) for x, y in outline], soft=0.014)
    image.paste((70, 8, 10), mask=levels(shadow, 0, 255, most=110))
    image.paste(silk, mask=polygon(size, outline, soft=0.0012))


def _heart(image: Image.Image) -> None:
    size = image.size
    image.paste((26, 14, 24), mask=ellipse(size, (0.5, 0.48), (0.1, 0.1), soft=0.012))
    draw, chance = ImageDraw.Draw(image), random.Random(104)
    for _ in range(150):
        angle, far = chance.uniform(0, math.tau), chance.gauss(0.088, 0.016)
        x, y = (0.5 + far * math.cos(angle)) * size[0], (0.48 + far * math.sin(angle)) * size[1]
        dot = size[0] * chance.uniform(0.002, 0.005)
        draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=(58, 44, 66))
    image.paste((116, 140, 78), mask=ellipse(size, (0.5, 0.48), (0.048, 0.048), soft=0.002))
    for ray in range(10):
        angle = ray * math.tau / 10
        tip = (
            (0.5 + 0.045 * math.cos(angle)) * size[0],
            (0.48 + 0.045 * math.sin(angle)) * size[1],
        )
        draw.line([(0.5 * size[0], 0.48 * size[1]), tip], (60, 74, 44), max(1, size[0] // 160))


def orange(size: Size) -> Image.Image:
    """RGBA: nothing behind the fruit, and a shadow that is half there."""
    body = ellipse(size, (0.5, 0.52), (0.36, 0.355))
    fruit = grain(_leaf(_peel(size)), 112, 0.06)
    shade = levels(ellipse(size, (0.53, 0.885), (0.34, 0.05), soft=0.025), 0, 255, most=150)
    cutout = Image.new("RGBA", size, (30, 24, 20, 0))
    cutout.putalpha(shade)
    whole = Image.composite(Image.new("L", size, 255), polygon(size, _LEAF), body)
    cutout.paste(fruit.convert("RGBA"), mask=whole)
    return cutout


def _peel(size: Size) -> Image.Image:
    skin = Image.new("RGB", size, (238, 128, 22))
    pores = levels(speckle(size, 111, (0.009, 0.009)), 30, 225).filter(ImageFilter.EMBOSS)
    skin = texture(skin, pores, 0.5)
    light = Image.new("RGB", size, (122, 44, 4))
    skin = Image.composite(skin, light, levels(glow(size, (0.44, 0.42), 0.62), 0, 200))
    skin = add_light(skin, (255, 226, 170), glow(size, (0.38, 0.34), 0.2, most=170))
    skin.paste((92, 96, 40), mask=ellipse(size, (0.5, 0.2), (0.035, 0.018), soft=0.004))
    return skin


_LEAF = [
    (0.5, 0.2), (0.54, 0.13), (0.61, 0.08), (0.7, 0.055), (0.8, 0.06), (0.77, 0.12), (0.71, 0.17),
    (0.63, 0.205), (0.56, 0.215),
]  # fmt: skip


def _leaf(image: Image.Image) -> Image.Image:
    size = image.size
    green = gradient(size, (0.0, (98, 158, 58)), (0.3, (40, 92, 36)), (1.0, (40, 92, 36)))
    green = texture(green, clouds(size, 113, (0.04, 0.04), 4), 0.5)
    vein = [(x * size[0], y * size[1]) for x, y in ((0.5, 0.2), (0.62, 0.13), (0.79, 0.065))]
    ImageDraw.Draw(green).line(vein, fill=(150, 190, 100), width=max(1, size[0] // 250))
    image.paste(green, mask=polygon(size, _LEAF))
    return image
