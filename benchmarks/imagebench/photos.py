"""Source pictures: made by the benchmark, the same on every machine, and as dense as photos are.

A decoder's work depends on how many bits a picture takes, so the pictures have a photo's: smooth
areas and textured ones, edges, and the noise of a sensor, at 8 to 12 MB for 24 million pixels.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

Size = tuple[int, int]

LARGE: Size = (6000, 4000)  # 24 MP
MEDIUM: Size = (3240, 2160)  # 7 MP

QUALITY = 92  # as cameras and phones store them; 4:2:0, baseline
COARSE = 110
"""How far the largest structures reach to either side of grey."""

VERSION = 1
"""Part of the file's name: raise it when pictures come out otherwise, or old ones stay in use."""


def photo(size: Size, folder: Path) -> Path:
    """A JPEG of this size in `folder`, made if it isn't there yet."""
    path = folder / f"photo-v{VERSION}-{size[0]}x{size[1]}.jpg"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        picture = _picture(size, Random(f"{VERSION} {size}"))
        picture.save(part, "JPEG", quality=QUALITY, subsampling="4:2:0", exif=_exif())
        part.rename(path)
    return path


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Benchmark", "Plasma"  # maker and model
    exif[0x0112] = 1  # upright
    return exif


def _picture(size: Size, random: Random) -> Image.Image:
    """YCbCr, which the encoder takes as it is."""
    light = Image.composite(
        _plasma(size, random, fine=20), _plasma(size, random, fine=2), _areas(size, random)
    )
    light = _grainy(light, random, strength=5)
    blue, red = (_muted(_plasma(size, random, fine=12)) for _ in range(2))
    return Image.merge("YCbCr", (light, blue, red))


def _muted(colour: Image.Image) -> Image.Image:
    """Photos are greyer than chance is."""
    return colour.point([round(128 + (value - 128) / 5) for value in range(256)])


def _plasma(size: Size, random: Random, fine: int) -> Image.Image:
    """Noise at every scale, from strong at the largest to `fine` at the smallest.

    From a few pixels on, the picture is doubled in size and given new detail until it is large
    enough; on the way, some shapes give it edges.
    """
    levels = 9
    image = Image.new("L", (max(2, size[0] >> levels), max(2, size[1] >> levels)), 128)
    for level in range(levels + 1):
        now = max(2, size[0] >> (levels - level)), max(2, size[1] >> (levels - level))
        strength = COARSE * (fine / COARSE) ** (level / levels)
        image = _grainy(image.resize(now, Image.Resampling.BICUBIC), random, strength)
        if levels - level == 2:
            _add_shapes(image, random)
    return image


def _grainy(image: Image.Image, random: Random, strength: float) -> Image.Image:
    """The image with uniform noise of up to `strength` to either side."""
    noise = Image.frombytes("L", image.size, random.randbytes(image.width * image.height))
    noise = noise.point([round(128 + (value - 127.5) / 127.5 * strength) for value in range(256)])
    return ImageChops.add(image, noise, 1, -128)


def _add_shapes(image: Image.Image, random: Random) -> None:
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = random.randrange(image.width), random.randrange(image.height)
        radius = random.randint(2, 2 + image.height // 8)
        corners = random.randrange(3, 9)
        draw.regular_polygon((x, y, radius), corners, random.randrange(360), random.randrange(256))


def _areas(size: Size, random: Random) -> Image.Image:
    """A mask: white where the picture has texture."""
    mask = _plasma((size[0] // 16, size[1] // 16), random, fine=1)
    mask = mask.point([min(255, max(0, (value - 110) * 8)) for value in range(256)])
    return mask.resize(size, Image.Resampling.BICUBIC)
