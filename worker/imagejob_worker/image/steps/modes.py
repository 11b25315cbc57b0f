"""Step: any of Pillow's modes as one of four: L, RGB, RGBA, CMYK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.steps.strip_metadata import bare

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

WITH_ALPHA = {"LA", "La", "PA", "RGBa"}
GREY_16 = {"I;16", "I;16L", "I;16B", "I;16N"}
GREY = {"1", "L", "LA", "La", *GREY_16}


def space_of(mode: str) -> str:
    """The ICC colour space of a mode's samples."""
    if mode in GREY:
        return "GRAY"
    return "CMYK" if mode == "CMYK" else "RGB"


def plain(file: ImageFile) -> Image.Image:
    """The loaded frame as an image that holds pixels and nothing else.

    Every kind of transparency becomes RGBA, so that one rule for resizing it is enough. 16-bit grey
    is scaled to 8 (Pillow's own conversion would clip it).
    """
    if file.mode in ("L", "RGB", "RGBA", "CMYK") and "transparency" not in file.info:
        return bare(file)
    if file.mode in GREY_16:
        return _from_grey_16(file, file.info.get("transparency"))
    if file.mode in ("I", "F"):
        raise ItemFailure("UnsupportedFormat", f"32-bit samples (mode {file.mode}) not supported")
    return bare(file.convert(_target(file)))


def _target(file: ImageFile) -> str:
    if file.mode in WITH_ALPHA or file.has_transparency_data:
        return "RGBA"
    return "L" if file.mode == "1" else "RGB"


def _from_grey_16(file: ImageFile, clear: int | None) -> Image.Image:
    image = bare(file.point(lambda value: value * (1 / 257) + 0.5).convert("L"))
    if clear is None:
        return image
    image = image.convert("RGBA")
    image.putalpha(_other_than(file, clear))
    return image


def _other_than(file: ImageFile, clear: int) -> Image.Image:
    """Opaque where a 16-bit sample is not `clear`. Told byte by byte: tables have 256 entries."""
    from PIL import ImageChops  # rare

    data = file.tobytes()
    low_first = file.mode != "I;16B"
    planes = (data[0::2], data[1::2]) if low_first else (data[1::2], data[0::2])
    differs = [
        Image.frombytes("L", file.size, plane).point(_all_but(clear >> shift & 255))
        for plane, shift in zip(planes, (0, 8), strict=True)
    ]
    return ImageChops.lighter(*differs)


def _all_but(value: int) -> list[int]:
    return [0 if level == value else 255 for level in range(256)]
