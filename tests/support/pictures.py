"""Images made in the test, the pipeline run on them, and the results read back."""

from __future__ import annotations

import io
import math
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from imagejob_worker.contract.facts import Made, Processed
from imagejob_worker.contract.order import Item
from imagejob_worker.image import pipeline
from imagejob_worker.image.files import Files
from PIL import Image, ImageFilter

from support.shown import Shown

Rgb = tuple[int, int, int]
Size = tuple[int, int]

ALL_FORMATS = ("jpeg", "png", "webp", "avif", "gif", "tiff")
RED, GREEN, BLUE, WHITE = (220, 30, 40), (30, 180, 60), (40, 50, 210), (245, 245, 245)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""The corners of `quarters`, upright: top left, top right, bottom left, bottom right."""

# How a stored image must be turned so that its EXIF orientation turns it back.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def item(*outputs: dict[str, Any], **fields: Any) -> Item:
    """An item of a work order; limits are wide unless given."""
    limits = {"maxBytes": 2**40, "maxPixels": 2**40, "maxFrames": 1000} | fields.pop("limits", {})
    return msgspec.convert(
        {
            "uid": "0b5e6a3e",
            "source": {"store": "uploads", "key": "incoming/cat"},
            "destination": {"store": "uploads", "prefix": "derived/cat"},
            "outputs": [{"name": f"o{index}"} | output for index, output in enumerate(outputs)],
            "limits": limits,
            **fields,
        },
        Item,
    )


class Bench:
    """A folder to run the pipeline in."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source"
        self.folder = folder / "out"
        self.folder.mkdir()

    def process(self, source: bytes, *outputs: dict[str, Any], **fields: Any) -> Processed:
        """Run the pipeline with every format allowed, unless `formats` says otherwise."""
        self.source.write_bytes(source)
        formats = fields.pop("formats", ALL_FORMATS)
        asked = item(*outputs, **fields)
        with closing(Files(str(self.source), str(self.folder), asked.outputs)) as files:
            return pipeline.process(files, asked, formats)

    def picture(self, source: bytes, **output: Any) -> Image.Image:
        """The only requested output, decoded; PNG unless another format is given."""
        (made,) = self.process(source, {"format": "png"} | output).outputs
        return opened(made)

    def shown(self, source: bytes) -> Shown:
        """The picture's pixels, by a lossless output."""
        image = self.picture(source).convert("RGBA")
        return Shown(*image.size, image.tobytes())


def opened(made: Made) -> Image.Image:
    """An output as an independent reader sees it: its declared format, its size, its pixels."""
    image = Image.open(io.BytesIO(Path(made.path).read_bytes()))
    assert (image.format or "").lower() == made.format
    assert image.size == (made.width, made.height)
    assert Path(made.path).stat().st_size == made.bytes
    return without_palette(image) if image.mode == "P" else image


def without_palette(image: Image.Image) -> Image.Image:
    """The same pixels in mode RGB or RGBA."""
    plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    plain.format, plain.info = image.format, image.info
    return plain


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    """The image as a file of the format that Pillow calls `name`."""
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def quarters(size: Size = (64, 48)) -> Image.Image:
    """Four plain quarters of different colours: the corners show which way up it is."""
    width, height = size
    image = Image.new("RGB", size)
    for index, colour in enumerate(CORNERS):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def corners(image: Image.Image) -> list[Rgb]:
    """The colours a sixteenth away from each corner, in the order of CORNERS."""
    rgb = image.convert("RGB")
    across, down = (side // 16 for side in rgb.size)
    return [
        pixel(rgb, (x, y))
        for y in (down, rgb.height - 1 - down)
        for x in (across, rgb.width - 1 - across)
    ]


def pixel(image: Image.Image, at: tuple[int, int]) -> Any:
    return image.getpixel(at)


def photo(size: Size, seed: int = 1) -> Image.Image:
    """Smooth shapes with fine noise: compresses about as well as a photograph."""
    source = random.Random(seed)
    coarse = Image.frombytes("RGB", (24, 16), source.randbytes(24 * 16 * 3))
    smooth = coarse.filter(ImageFilter.GaussianBlur(1)).resize(size, Image.Resampling.BICUBIC)
    noise = Image.frombytes("RGB", size, source.randbytes(size[0] * size[1] * 3))
    return Image.blend(smooth, noise, 0.06)


def distance(one: Rgb, other: Rgb) -> int:
    """The largest difference in any channel."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def difference(one: Image.Image, other: Image.Image) -> float:
    """The root mean square difference of all samples, 0 to 255."""
    first, second = one.convert("RGB").tobytes(), other.convert("RGB").tobytes()
    total = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    return math.sqrt(total / len(first))
