"""225 made pictures of fifteen kinds, by which `auto` tells what is drawn from photographs.

Each is made from its kind and number alone, with fonts and noise of Pillow's own, so it is the same
on every machine.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Size = tuple[int, int]
Rgb = tuple[int, int, int]

EACH = 15
SIZES: tuple[Size, ...] = ((480, 360), (640, 400), (360, 560), (900, 420), (256, 256))
WORDS = (
    "the", "store", "keeps", "every", "upload", "until", "its", "job", "has", "ended", "and", "a",
    "worker", "reads", "it", "once", "Invoice", "total", "1,204.50", "due", "in", "30", "days",
    "Settings", "Users", "Roles", "Tokens", "Audit", "Sign", "out",
)  # fmt: skip
LOSSLESS, LOSSY = "lossless", "lossy"


class Made(NamedTuple):
    """A picture, its name (`kind-number`) and what `auto` should come to for it."""

    name: str
    image: Image.Image
    right: str


def corpus(each: int = EACH, kinds: Iterable[str] | None = None) -> Iterator[Made]:
    """Yield `each` pictures of every kind, one by one: all at once would take 100 MB."""
    for kind in kinds or KINDS:
        make, right = KINDS[kind]
        for number in range(each):
            random = Random(f"{kind} {number}")
            size = SIZES[number % len(SIZES)]
            yield Made(f"{kind}-{number}", make(random, size), right)


def _colour(random: Random, low: int = 0, high: int = 255) -> Rgb:
    return random.randint(low, high), random.randint(low, high), random.randint(low, high)


def _write(
    draw: ImageDraw.ImageDraw,
    random: Random,
    box: tuple[int, int, int, int],
    size: float,
    ink: Rgb,
) -> None:
    """Fill the box with lines of words."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = box
    while top + size < bottom:
        line = ""
        while font.getlength(line) < right - left - 6 * size:
            line += random.choice(WORDS) + " "
        draw.text((left, top), line, fill=ink, font=font)
        top += round(size * 1.4)


def _noise(random: Random, size: Size, mode: str = "RGB") -> Image.Image:
    bands = len(mode)
    return Image.frombytes(mode, size, random.randbytes(size[0] * size[1] * bands))


def _spectrum(random: Random, size: Size, mode: str, finest: int) -> Image.Image:
    """Octaves of noise, each half as strong as the one before: the spectrum of natural images."""
    image = Image.new(mode, size, 128 if mode == "L" else (128,) * 3)
    cells, strength = 2, 0.75
    while cells < max(size) // finest:
        coarse = _noise(random, (cells + 2, cells + 2), mode)
        octave = coarse.resize(size, Image.Resampling.BICUBIC)
        image = Image.blend(image, octave, strength)
        cells, strength = cells * 2, max(0.06, strength * 0.6)
    return image


def screenshot(random: Random, size: Size) -> Image.Image:
    """A window: bars, a list, buttons, and text on them."""
    dark = random.random() < 0.4
    back, ink = ((30, 32, 38), (220, 222, 228)) if dark else ((248, 248, 250), (32, 33, 36))
    image = Image.new("RGB", size, back)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(random.choice((11, 13, 14)))
    draw.rectangle((0, 0, size[0], 28), fill=_colour(random, 40, 200))
    draw.text((10, 7), "imagejob: uploads", fill="white", font=font)
    draw.rectangle((0, 28, 110, size[1]), fill=tuple(each * 9 // 10 for each in back))
    for row in range(40, size[1] - 20, 24):
        draw.text((10, row), random.choice(WORDS), fill=ink, font=font)
        words = " ".join(random.choices(WORDS, k=random.randint(2, max(3, size[0] // 90))))
        draw.text((124, row), words, fill=ink, font=font)
        draw.line((118, row + 19, size[0] - 8, row + 19), fill=tuple(e * 8 // 10 for e in back))
    for _ in range(random.randint(1, 5)):
        at = random.randint(118, size[0] - 90), random.randint(40, size[1] - 40)
        draw.rounded_rectangle((*at, at[0] + 80, at[1] + 26), 6, fill=_colour(random, 30, 220))
        draw.text((at[0] + 16, at[1] + 6), "Save", fill="white", font=font)
    return image


def diagram(random: Random, size: Size) -> Image.Image:
    """Boxes and lines between them, drawn at twice the size and reduced, as renderers do."""
    large = size[0] * 2, size[1] * 2
    image = Image.new("RGB", large, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    places = [
        (random.randint(0, large[0] - 180), random.randint(0, large[1] - 80))
        for _ in range(random.randint(4, 12))
    ]
    for one, other in pairwise(places):
        draw.line((one[0] + 90, one[1] + 40, other[0] + 90, other[1] + 40), fill="#555", width=3)
    for left, top in places:
        box = left, top, left + 180, top + 80
        draw.rounded_rectangle(box, 16, _colour(random, 170, 250), "black", 3)
        draw.text((left + 20, top + 24), random.choice(WORDS), fill="black", font=font)
    return image.resize(size, Image.Resampling.LANCZOS)


def chart(random: Random, size: Size) -> Image.Image:
    """Axes, bars or curves, and labels; every other one on a transparent ground."""
    clear = random.random() < 0.5
    image = Image.new("RGBA", size, (255, 255, 255, 0 if clear else 255))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    width, height = size
    for level in range(30, height - 30, 40):
        draw.line((40, level, width - 10, level), fill=(200, 200, 200, 255))
        draw.text((8, level - 7), str(height - level), fill=(60, 60, 60, 255), font=font)
    if random.random() < 0.5:
        for left in range(50, width - 30, 34):
            top = random.randint(30, height - 40)
            draw.rectangle((left, top, left + 24, height - 30), fill=(*_colour(random), 255))
    for _ in range(random.randint(1, 5)):
        curve, level = [], float(height // 2)
        for left in range(40, width - 10, 4):
            level = min(height - 30.0, max(30.0, level + random.uniform(-14, 14)))
            curve.append((left, level))
        draw.line(curve, fill=(*_colour(random), 255), width=2)
    return image if clear else image.convert("RGB")


def text(random: Random, size: Size) -> Image.Image:
    """A page of text, in grey or in colour, or in black and white without shades."""
    image = Image.new(random.choice(("L", "RGB", "RGB", "1")), size, "white")
    draw = ImageDraw.Draw(image)
    ink = (0, 0, 0) if image.mode != "RGB" else _colour(random, 0, 90)
    given = ink if image.mode == "RGB" else ink[0]
    _write(draw, random, (16, 12, size[0] - 8, size[1] - 8), random.choice((10, 12, 15, 22)), given)  # type: ignore[arg-type]
    return image.convert("L") if image.mode == "1" else image


def logo(random: Random, size: Size) -> Image.Image:
    """A few large shapes with smooth edges and a word; half of them on a transparent ground."""
    large = size[0] * 3, size[1] * 3
    clear = random.random() < 0.5
    image = Image.new("RGBA", large, (0, 0, 0, 0) if clear else (255, 255, 255, 255))
    draw = ImageDraw.Draw(image)
    for _ in range(random.randint(2, 5)):
        left, top = random.randint(0, large[0] // 2), random.randint(0, large[1] // 2)
        box = left, top, left + random.randint(90, large[0] // 2), top + large[1] // 3
        shape = random.choice((draw.ellipse, draw.rectangle, draw.pieslice))
        extra = (20, 290) if shape == draw.pieslice else ()
        shape(box, *extra, fill=(*_colour(random), 255))  # type: ignore[operator]
    font = ImageFont.load_default(large[1] / 6)
    draw.text((large[0] // 8, large[1] * 2 // 3), "acme", fill=(*_colour(random), 255), font=font)
    image = image.resize(size, Image.Resampling.LANCZOS)
    return image if clear else image.convert("RGB")


def code(random: Random, size: Size) -> Image.Image:
    """An editor: small text in many inks on a dark or a light ground."""
    dark = random.random() < 0.6
    image = Image.new("RGB", size, (24, 26, 31) if dark else (255, 255, 255))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(random.choice((10, 11, 13)))
    inks = [_colour(random, *((120, 255) if dark else (0, 150))) for _ in range(8)]
    for line in range(6, size[1] - 12, 15):
        left = 30.0 + 20 * random.randrange(4)
        draw.text((6, line), str(line), fill="#777", font=font)
        while left < size[0] * random.uniform(0.3, 0.9):
            word = random.choice(WORDS)
            draw.text((left, line), word, fill=random.choice(inks), font=font)
            left += font.getlength(word + " ")
    return image


def map_of_streets(random: Random, size: Size) -> Image.Image:
    """Streets with edges, areas of green and water, and names."""
    large = size[0] * 2, size[1] * 2
    image = Image.new("RGB", large, (242, 239, 233))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for fill in ((170, 211, 223), (200, 230, 190), (200, 230, 190), (224, 223, 223)):
        corner = random.randint(0, large[0]), random.randint(0, large[1])
        around = [(corner[0] + random.randint(-200, 200), corner[1] + random.randint(-200, 200))]
        draw.polygon([corner, *around, (around[0][0], corner[1] + 150)], fill=fill)
    for _ in range(random.randint(8, 24)):
        ends = [(random.randint(0, large[0]), random.randint(0, large[1])) for _ in range(2)]
        draw.line(ends, fill=(180, 170, 160), width=16)
        draw.line(ends, fill=random.choice(("white", (252, 214, 164))), width=12)
        draw.text(ends[0], random.choice(WORDS), fill=(60, 60, 60), font=font)
    return image.resize(size, Image.Resampling.LANCZOS)


def illustration(random: Random, size: Size) -> Image.Image:
    """A painting: shapes with soft shading, outlines, and the grain of a brush."""
    image = _spectrum(random, size, "RGB", 40)
    for _ in range(random.randint(4, 10)):
        mask = Image.new("L", size)
        at = random.randint(0, size[0]), random.randint(0, size[1])
        box = *at, at[0] + random.randint(40, 200), at[1] + random.randint(40, 200)
        ImageDraw.Draw(mask).ellipse(box, 255)
        shade = Image.blend(gradient(random, size), Image.new("RGB", size, _colour(random)), 0.5)
        image.paste(shade, mask=mask)
        ImageDraw.Draw(image).ellipse(box, outline=(30, 20, 20), width=3)
    return Image.blend(image, _noise(random, size), 0.008)


def night(random: Random, size: Size) -> Image.Image:
    """Lights in the dark: most of it is black or nearly so."""
    dark = photograph(random, size).convert("RGB")
    dark = dark.point([max(0, level // 6 - random.randint(8, 16)) for level in range(256)] * 3)
    draw = ImageDraw.Draw(dark)
    for _ in range(random.randint(4, 30)):
        at = random.randint(0, size[0]), random.randint(0, size[1])
        radius = random.randint(1, 8)
        draw.ellipse((*at, at[0] + radius, at[1] + radius), fill=_colour(random, 180, 255))
    return dark.filter(ImageFilter.GaussianBlur(1.2))


def pixel_art(random: Random, size: Size) -> Image.Image:
    """Sprites of a few colours, enlarged by whole pixels."""
    factor = random.choice((4, 6, 8, 12))
    small = size[0] // factor, size[1] // factor
    palette = [_colour(random) for _ in range(random.choice((4, 8, 16, 32)))]
    image = Image.new("RGB", small, palette[0])
    for _ in range(small[0] * small[1] // 40):
        at = random.randrange(small[0]), random.randrange(small[1])
        for _ in range(14):
            image.putpixel(at, random.choice(palette[:6]))
            image.putpixel(at, random.choice(palette))
            at = (
                (at[0] + random.choice((0, 1))) % small[0],
                (at[1] + random.choice((0, 1))) % small[1],
            )
    return image.resize((small[0] * factor, small[1] * factor), Image.Resampling.NEAREST)


def gradient(random: Random, size: Size) -> Image.Image:
    """A smooth ramp without noise, linear or round, as designers export them for backgrounds."""
    ramp = (Image.linear_gradient, Image.radial_gradient)[random.randrange(2)]("L")
    if random.random() < 0.5:
        ramp = ramp.rotate(90 * random.randrange(4))
    ramp = ramp.resize(size, Image.Resampling.BILINEAR)
    one, other = _colour(random), _colour(random)
    bands = [
        ramp.point([round(a + (b - a) * level / 255) for level in range(256)])
        for a, b in zip(one, other, strict=True)
    ]
    return Image.merge("RGB", bands)


def photograph(random: Random, size: Size) -> Image.Image:
    """A natural spectrum in colour or grey, with edges of things and the noise of a sensor.

    Some are out of focus, some overexposed in part, as skies are, and some were a JPEG before.
    """
    mode = "L" if random.random() < 0.2 else "RGB"
    image = _spectrum(random, size, mode, random.choice((1, 2, 6)))
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for _ in range(random.randint(0, 6)):
        at = [random.randint(0, side) for side in size]
        draw.ellipse((*at, at[0] + random.randint(20, 200), at[1] + random.randint(20, 200)), 255)
    image = Image.composite(
        _spectrum(random, size, mode, 2), image, mask.filter(ImageFilter.GaussianBlur(1))
    )
    image = Image.blend(image, _noise(random, size, mode), random.choice((0.01, 0.02, 0.05)))
    if random.random() < 0.3:  # overexposed
        shift = random.randint(60, 120)
        image = image.point([min(255, level + shift) for level in range(256)] * len(mode))
    return image


def packshot(random: Random, size: Size) -> Image.Image:
    """A thing before a pure white ground, as shops show it; or in a frame of one colour."""
    inner = photograph(random, size)
    mask = Image.new("L", size)
    inset = random.uniform(0.05, 0.25)
    box = [round(side * share) for share in (inset, 1 - inset) for side in size]
    ImageDraw.Draw(mask).ellipse(box, 255) if random.random() < 0.6 else mask.paste(255, tuple(box))
    ground = Image.new(inner.mode, size, "white")
    return Image.composite(inner, ground, mask)


def scan(random: Random, size: Size) -> Image.Image:
    """Printed text on paper, as a scanner sees it: soft, uneven and noisy."""
    page = text(random, size).convert("RGB").filter(ImageFilter.GaussianBlur(0.8))
    paper = _spectrum(random, size, "RGB", 60)
    paper = Image.blend(Image.new("RGB", size, (240, 236, 225)), paper, 0.08)
    noisy = Image.blend(ImageChops.multiply(page, paper), _noise(random, size), 0.03)
    return noisy.convert("L") if random.random() < 0.5 else noisy


def mixed(random: Random, size: Size) -> Image.Image:
    """A page of text around a photograph that takes a third to two thirds of it."""
    image = text(random, size).convert("RGB")
    width = round(size[0] * random.uniform(0.6, 0.9))
    height = round(size[1] * random.uniform(0.6, 0.9))
    image.paste(photograph(random, (width, height)).convert("RGB"), (10, 10))
    return image


KINDS: dict[str, tuple[Callable[[Random, Size], Image.Image], str]] = {
    "screenshot": (screenshot, LOSSLESS),
    "diagram": (diagram, LOSSLESS),
    "chart": (chart, LOSSLESS),
    "text": (text, LOSSLESS),
    "logo": (logo, LOSSLESS),
    "pixel art": (pixel_art, LOSSLESS),
    "code": (code, LOSSLESS),
    "map": (map_of_streets, LOSSLESS),
    "illustration": (illustration, LOSSY),
    "gradient": (gradient, LOSSY),
    "night": (night, LOSSY),
    "photograph": (photograph, LOSSY),
    "packshot": (packshot, LOSSY),
    "scan": (scan, LOSSY),
    "mixed": (mixed, LOSSY),
}
