"""Pillow's modes: every decoded frame becomes L, RGB, RGBA or CMYK; an output has one mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from imagejob_worker.image.steps.strip_metadata import strip_metadata

if TYPE_CHECKING:
    from imagejob_worker.image.context import OutputContext

WITH_ALPHA = {"LA", "PA"}
GREY_16 = "I;16"
GREY = {"1", "L", "LA", GREY_16}


def space_of(mode: str) -> str:
    """Return the ICC colour space of a mode's samples."""
    if mode in GREY:
        return "GRAY"
    return "CMYK" if mode == "CMYK" else "RGB"


def normalize(file: Image.Image) -> Image.Image:
    """Return the loaded frame as an image that holds pixels and nothing else.

    Every kind of transparency becomes RGBA, so that one rule for resizing it is enough. 16-bit grey
    is scaled to 8 (Pillow's own conversion would clip it).
    """
    if file.mode in ("L", "RGB", "RGBA", "CMYK") and "transparency" not in file.info:
        return strip_metadata(file)
    if file.mode == GREY_16:
        return _from_grey_16(file, file.info.get("transparency"))
    return strip_metadata(file.convert(_target(file)))


def _target(file: Image.Image) -> str:
    if file.mode in WITH_ALPHA or file.has_transparency_data:
        return "RGBA"
    return "L" if file.mode == "1" else "RGB"


def _from_grey_16(file: Image.Image, clear: int | None) -> Image.Image:
    image = strip_metadata(file.point(lambda value: value * (1 / 257) + 0.5).convert("L"))
    if clear is None:
        return image
    image = image.convert("RGBA")
    image.putalpha(_other_than(file, clear))
    return image


def _other_than(file: Image.Image, clear: int) -> Image.Image:
    """Opaque where a 16-bit sample is not `clear`. Byte by byte: tables have 256 entries."""
    from PIL import ImageChops  # rare

    data = file.tobytes()
    differs = [
        Image.frombytes("L", file.size, plane).point(_all_but(clear >> shift & 255))
        for plane, shift in zip((data[0::2], data[1::2]), (0, 8), strict=True)
    ]
    return ImageChops.lighter(*differs)


def _all_but(value: int) -> list[int]:
    return [0 if level == value else 255 for level in range(256)]


def has_transparency(image: Image.Image) -> bool:
    """Whether any pixel isn't opaque."""
    return image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]


def unify_modes(output: OutputContext) -> None:
    """Give all frames one mode, and drop an alpha channel that is opaque throughout."""
    images = output.images
    modes = {image.mode for image in images}
    if any(has_transparency(image) for image in images):
        target = "RGBA" if len(images) > 1 else images[0].mode
    else:
        target = "L" if modes == {"L"} else "RGB"
    output.images = [image if image.mode == target else image.convert(target) for image in images]
