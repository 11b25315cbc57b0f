"""One picture of the gallery, and what is drawn in it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image
from PIL.Image import Resampling, Transpose

from support.judges import LIBVIPS, Judge
from support.shown import Shown
from support.specimens.ifd import SHORT, Directory, tiff
from support.specimens.samples import Paint

ORIENTATION = 274
SIDES = range(5, 41)
SMALL = range(3, 20)
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE, 6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A file, who says how it looks, or else what the message that refuses it says.

    `painted` is what was drawn, where the judge asks for it.
    """

    name: str
    format: str
    source: bytes
    judge: Judge = LIBVIPS
    refused: str = ""
    painted: Shown | None = None


def drawn(rng: Random, sides: tuple[int, int] | None = None) -> Image.Image:
    """A smooth picture in RGBA. Each channel is a gradient of its own, and alpha begins at 60.

    Smooth, because decoders may differ in how they enlarge chroma, and where is a matter of taste.
    """
    size = sides or (rng.choice(SIDES), rng.choice(SIDES))
    channels = []
    for _ in range(4):
        make = rng.choice((Image.linear_gradient, Image.radial_gradient))
        turned = make("L").transpose(rng.choice(list(Transpose)))
        channels.append(turned.resize(size, Resampling.BILINEAR))
    alpha = channels.pop().point(lambda level: 60 + level * 195 // 255)
    return Image.merge("RGBA", (*channels, alpha))


def small(rng: Random) -> tuple[int, int]:
    """Sides of a picture whose every pixel is computed."""
    return rng.choice(SMALL), rng.choice(SMALL)


def orientation_block(orientation: int, order: str = "<") -> bytes:
    """An EXIF block that states nothing else."""
    return tiff([Directory({ORIENTATION: (SHORT, [orientation])})], order)


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """Upright, of a picture stored with this orientation (EXIF 2.32, 4.6.4)."""
    method = UPRIGHT.get(orientation)
    return picture if method is None else picture.transpose(method)


def paint_of(picture: Image.Image) -> Paint:
    """The picture as a function of places, for what is written sample by sample."""
    pixels = picture.load()
    assert pixels is not None

    def paint(x: int, y: int) -> tuple[float, float, float, float]:
        red, green, blue, alpha = pixels[x, y]
        return red / 255, green / 255, blue / 255, alpha / 255

    return paint
