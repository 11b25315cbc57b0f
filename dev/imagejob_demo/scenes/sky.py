"""A sunset over a mountain lake, and balloons."""

from __future__ import annotations

from PIL import Image, ImageDraw

from imagejob_demo.scenes.paint import (
    Colour,
    Point,
    Size,
    add_light,
    clouds,
    ellipse,
    fade,
    glow,
    gradient,
    grain,
    levels,
    mirror,
    polygon,
    ridge,
    texture,
)


def sunset(size: Size) -> Image.Image:
    """Strong reds: made for a wide gamut."""
    image = gradient(
        size,
        (0.0, (52, 30, 96)),
        (0.22, (150, 42, 110)),
        (0.42, (244, 84, 60)),
        (0.58, (255, 186, 60)),
        (1.0, (255, 186, 60)),
    )
    veil = levels(clouds(size, 51, (0.6, 0.09)), 118, 200, most=220)
    image.paste(
        gradient(size, (0.0, (96, 30, 90)), (0.6, (255, 70, 50)), (1.0, (255, 60, 40))), mask=veil
    )
    image = add_light(image, (255, 160, 60), glow(size, (0.62, 0.5), 0.4, most=220))
    image.paste((255, 244, 196), mask=ellipse(size, (0.62, 0.5), (0.03, 0.045), soft=0.0015))
    ranges = [
        (61, 0.5, 0.07, (168, 62, 86)),
        (62, 0.55, 0.06, (112, 42, 76)),
        (63, 0.6, 0.04, (58, 26, 56)),
    ]
    for seed, height, roughness, colour in ranges:
        rock = texture(Image.new("RGB", size, colour), clouds(size, seed, (0.05, 0.05)), 0.35)
        haze = Image.new("RGB", size, (255, 140, 76))
        rock = Image.composite(haze, rock, _haze(size, height))
        image.paste(rock, mask=polygon(size, ridge(seed, height, roughness)))
    image = mirror(image, 0.64, ripple=64)
    return grain(_reeds(image), 65)


def _haze(size: Size, height: float) -> Image.Image:
    """Thicker towards the foot of a range."""
    mask = Image.new("L", size)
    top = round(height * size[1])
    mask.paste(fade((size[0], round(0.13 * size[1])), 0, 120), (0, top))
    return mask


def _reeds(image: Image.Image) -> Image.Image:
    width, height = image.size
    draw = ImageDraw.Draw(image)
    for number in range(90):
        x = (number * 37 % 89) / 89 * 0.34 + (0.68 if number % 3 else -0.02)
        lean, top = (number * 17 % 23 - 11) / 600, 0.8 + (number * 29 % 31) / 240
        stalk = [(x * width, 1.01 * height), ((x + lean) * width, top * height)]
        draw.line(stalk, fill=(20, 12, 26), width=max(1, width // 600))
    return image


def balloons(size: Size) -> Image.Image:
    image = gradient(size, (0.0, (46, 112, 196)), (0.65, (172, 212, 236)), (1.0, (226, 232, 226)))
    cumulus = levels(clouds(size, 71, (0.3, 0.22), octaves=7), 128, 190, most=235)
    shade = gradient(size, (0.0, (255, 255, 255)), (0.7, (224, 228, 236)), (1.0, (214, 214, 220)))
    image.paste(shade, mask=cumulus)
    for seed, height, colour in (
        (72, 0.86, (128, 158, 150)),
        (73, 0.91, (88, 128, 84)),
        (74, 0.96, (50, 88, 44)),
    ):
        meadow = texture(Image.new("RGB", size, colour), clouds(size, seed, (0.02, 0.02)), 0.6)
        image.paste(meadow, mask=polygon(size, ridge(seed, height, 0.03)))
    for centre, radius, colours in (
        ((0.84, 0.52), 0.05, ((206, 60, 120), (250, 232, 240))),
        ((0.62, 0.24), 0.07, ((30, 120, 120), (246, 214, 92))),
        ((0.12, 0.3), 0.085, ((60, 70, 150), (240, 240, 240))),
        ((0.37, 0.42), 0.17, ((214, 44, 40), (250, 196, 50))),
    ):
        image = _balloon(image, centre, radius, colours)
    return grain(image, 75, 0.08)


def _balloon(
    image: Image.Image, centre: Point, radius: float, colours: tuple[Colour, Colour]
) -> Image.Image:
    """Its gores are ellipses one in the other, so they bend as those of a sphere."""
    size, (x, y) = image.size, centre
    down = radius * size[0] / size[1]
    bag = ellipse(size, centre, (radius, down))
    throat = [(x - 0.86 * radius, y + 0.5 * down), (x + 0.86 * radius, y + 0.5 * down)]
    throat += [(x + 0.16 * radius, y + 1.34 * down), (x - 0.16 * radius, y + 1.34 * down)]
    whole = Image.composite(Image.new("L", size, 255), polygon(size, throat), bag)
    cloth = Image.new("RGB", size, colours[0])
    for number, part in enumerate((0.93, 0.76, 0.54, 0.3, 0.1)):
        gore = ellipse(size, (x, y + 0.1 * down), (part * radius, 1.32 * down))
        cloth.paste(colours[(number + 1) % 2], mask=gore)
    cloth = texture(cloth, glow(size, (x - 0.35 * radius, y - 0.4 * down), 2.0 * radius), 0.55)
    _basket(image, centre, radius, down)
    image.paste(cloth, mask=whole)
    return image


def _basket(image: Image.Image, centre: Point, radius: float, down: float) -> None:
    width, height = image.size
    x, y = centre
    top, bottom, half = y + 1.62 * down, y + 1.82 * down, 0.12 * radius
    draw = ImageDraw.Draw(image)
    for side in (-1, 1):
        rope = [((x + side * 0.15 * radius) * width, (y + 1.3 * down) * height)]
        rope.append(((x + side * half) * width, top * height))
        draw.line(rope, fill=(70, 52, 40), width=max(1, width // 800))
    box = [(x - half) * width, top * height, (x + half) * width, bottom * height]
    draw.rounded_rectangle(box, radius=half * width / 3, fill=(122, 78, 42))
