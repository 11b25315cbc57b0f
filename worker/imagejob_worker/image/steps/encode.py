"""The encoders: pixels into a file, with no metadata but a colour profile that is to be kept.

Every setting is fixed and every encoder runs in one thread: the same pixels give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from PIL import ImageFile

from imagejob_worker.contract.facts import EXTENSIONS
from imagejob_worker.image import memory
from imagejob_worker.image.memory import FULL_CHROMA_FROM
from imagejob_worker.image.memory_guard import memory_guard
from imagejob_worker.image.steps.check_memory import check_encoder
from imagejob_worker.image.steps.strip_metadata import strip_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Output
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.files import OutputFile
    from imagejob_worker.image.steps.choose_format import Choice

QUALITY: dict[MadeFormat, int] = {
    "jpeg": 82,
    "webp": memory.USUAL_WEBP_QUALITY,
    "avif": 60,
    "png": 100,
}
"""Where photographs stop looking different from the source at a normal distance."""

WEBP_METHOD = 4
AVIF_SPEED = 6
"""Of 0 to 10. 4 takes four times as long for 3 % fewer bytes."""

MAX_PLAYS: dict[MadeFormat, int] = {"webp": 65_535, "png": 2**31 - 1, "avif": 2**31 - 1}
"""How often a file can say that it is played, short of endlessly. A GIF can say 65,536 times."""

MAX_TIMESTAMP = 2**31 - 1

LOSSLESS_EFFORT = 70
"""For lossless WebP, `quality` is effort: 0 fast, 100 small."""


class Animation(msgspec.Struct, frozen=True):
    """How long each frame shows, in milliseconds, and how often all are played (0: endlessly)."""

    durations: tuple[int, ...]
    plays: int


def encode(output: OutputContext, choice: Choice, quality: int, file: OutputFile) -> int:
    """Write the file anew, and return its length in bytes. Raises NeedsMemory before."""
    check_encoder(output, choice)
    first, *others = (strip_metadata(image) for image in output.images)
    animation = output.animation
    settings = _SETTINGS[choice.format](output.plan.output, choice, quality)
    if output.icc:
        settings["icc_profile"] = output.icc
    if animation is not None:
        settings |= _animated(choice.format, others, animation)
    if choice.format == "jpeg":
        _enlarge_buffer(first)
    if choice.format == "png" and animation is None and not output.has_grey_profile:
        first = _with_palette(first, settings)
    if choice.format == "avif" and first.mode == "L":
        settings["subsampling"] = "4:0:0"  # else it becomes colour, which no grey profile fits
    free = output.source.files.free_address_space()
    pixels, opaque = first.width * first.height, first.mode != "RGBA" and animation is None
    needed = memory.encoding(output.plan.output, choice.format, pixels, opaque=opaque)
    guard = memory_guard(free, choice.format, needed)
    with guard, file.rewritten(EXTENSIONS[choice.format]) as encoded:
        first.save(encoded, **settings)
    if choice.format == "avif" and animation is not None:
        from imagejob_worker.image.steps.avif_timing import set_timing  # rare

        with file.reopened() as encoded:
            set_timing(encoded, min(animation.plays, MAX_PLAYS[choice.format]))
    if choice.format == "webp" and animation is not None and first.mode == "RGBA":
        with file.reopened() as encoded:
            _declare_alpha(encoded)
    return file.size


def _declare_alpha(file: BinaryIO) -> None:
    """libwebp leaves the alpha flag unset where no frame has transparency of its own, but clearing
    the one before leaves some. Readers then show black. (RFC 9649, 2.7.)"""
    header = file.read(21)
    if header[12:16] == b"VP8X":
        file.seek(20)
        file.write(bytes((header[20] | 0x10,)))


def _with_palette(image: Image.Image, settings: dict[str, Any]) -> Image.Image:
    """Return the image with a palette if it has few colours; add their alpha to the settings."""
    from imagejob_worker.image.palette import with_palette  # by `loading`, for PNG

    found = with_palette(image)
    if found is None:
        return image
    indexed, alpha = found
    if alpha:
        settings["transparency"] = alpha
    return indexed


def _enlarge_buffer(image: Image.Image) -> None:
    """Pillow hands libjpeg one buffer for all of an optimised file, guessed at a byte a pixel, and
    fails where that is too little: noise at high quality takes up to four."""
    ImageFile.MAXBLOCK = max(65_536, 4 * image.width * image.height)


def _jpeg(output: Output, choice: Choice, quality: int) -> dict[str, Any]:
    if (like := choice.like_source) is not None:
        return {
            "qtables": like.tables,
            "subsampling": like.subsampling,
            "optimize": True,
            "progressive": output.progressive or like.progressive,
        }
    return {
        "quality": quality,
        "optimize": True,
        "progressive": output.progressive,
        "subsampling": "4:4:4" if quality >= FULL_CHROMA_FROM else "4:2:0",
    }


def _png(output: Output, choice: Choice, quality: int) -> dict[str, Any]:  # noqa: ARG001 (one signature)
    return {"compress_level": 6}


def _webp(output: Output, choice: Choice, quality: int) -> dict[str, Any]:
    if choice.lossless:
        effort, method = (100, 6) if choice.thorough else (LOSSLESS_EFFORT, WEBP_METHOD)
        exact = output.lossless  # else the colours under alpha 0 may change
        return {"lossless": True, "quality": effort, "method": method, "exact": exact}
    return {"quality": quality, "method": WEBP_METHOD}


def _avif(output: Output, choice: Choice, quality: int) -> dict[str, Any]:  # noqa: ARG001 (one signature)
    full = choice.lossless or quality >= FULL_CHROMA_FROM
    return {
        "quality": 100 if choice.lossless else quality,
        "subsampling": "4:4:4" if full else "4:2:0",
        "speed": AVIF_SPEED,
        "max_threads": 1,
    }


_SETTINGS = {"jpeg": _jpeg, "png": _png, "webp": _webp, "avif": _avif}


def _animated(
    name: MadeFormat, others: Sequence[Image.Image], animation: Animation
) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "save_all": True,
        "append_images": others,
        "duration": _durations(name, animation.durations),
    }
    if name != "avif":  # whose loop count is set in the file
        settings["loop"] = min(animation.plays, MAX_PLAYS[name])
    if name == "webp":
        settings["background"] = (0, 0, 0, 0)
    return settings


def _durations(name: MadeFormat, durations: Sequence[int]) -> list[int]:
    """Milliseconds that the format can say. WebP's encoder counts from the start, in 31 bits."""
    if name == "png":
        return [_as_fraction(each) for each in durations]
    if name == "webp" and (whole := sum(durations)) > MAX_TIMESTAMP:
        return [each * MAX_TIMESTAMP // whole for each in durations]
    return list(durations)


def _as_fraction(milliseconds: int) -> int:
    """Round to a unit of time of which a PNG can say so many: 65,535."""
    unit = next(unit for unit in (1, 10, 100, 1000) if milliseconds <= unit * 65_535)
    return round(milliseconds / unit) * unit
