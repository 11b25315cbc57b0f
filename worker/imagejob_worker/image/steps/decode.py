"""Step: pixels out of the source.

The decoder's class is called by name rather than through `Image.open`: no other decoder can pick up
the file, and none but the one needed is imported (Image.open imports five, 5 ms of CPU).
"""

from __future__ import annotations

import struct
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from PIL import Image

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.memory_guard import left
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.raster import Frame
from imagejob_worker.image.spliced import Spliced
from imagejob_worker.image.steps.modes import plain, space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from PIL.ImageFile import ImageFile

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.parsers.probe import Survey

READERS: dict[SourceFormat, tuple[str, str]] = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
}

WEBP_CANVASES = 8
"""Bytes a pixel that WebP's decoder takes before it looks at one: two canvases of RGBA."""

# All that Pillow's decoders were seen to raise on damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
    AssertionError, OverflowError, RuntimeError, ZeroDivisionError, struct.error, zlib.error,
)  # fmt: skip


def decode(
    source: str,
    name: SourceFormat,
    survey: Survey,
    *,
    scale: int,
    frames: int,
    decoded: Callable[[], None],
) -> Generator[Frame]:
    """The first `frames` frames, JPEG at 1/`scale`; `decoded` is called once all are.

    Raises CorruptImage or TooLarge; MemoryError is left to the caller.
    """
    try:
        _check_room(name, survey)
        with open(source, "rb") as stored, _decoder(stored, name, survey, frames) as file:
            _check_size(file, survey)
            if scale > 1:
                file.draft(None, (survey.width // scale, survey.height // scale))
            for index in range(frames):
                file.seek(index + (survey.first if frames > 1 else 0))
                frame = _frame(file, survey)
                if frames > 1:  # the decoder draws the next one over it
                    frame = msgspec.structs.replace(frame, image=frame.image.copy())
                if index == frames - 1:
                    decoded()
                yield frame
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ItemFailure("TooLarge", f"a frame is larger than the header says: {error}") from error
    except DAMAGE as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise corrupt(f"the {name} can't be decoded: {_reason(error)}") from error


def _frame(file: ImageFile, survey: Survey) -> Frame:
    """The frame that the decoder stands at. GIF frames that outgrow the first are cut to it, as
    browsers do."""
    size = file.size
    file.load()
    space, shown = space_of(file.mode), round(file.info.get("duration", 0))
    if survey.clear is not None:
        file.info["transparency"] = survey.clear
    image = plain(file)
    return Frame(image if image.size == size else image.crop((0, 0, *size)), shown, space)


def _reason(error: BaseException) -> str:
    """What the decoder says; where it fell over by itself, its words are about its own insides."""
    if isinstance(error, (OSError, SyntaxError, ValueError, EOFError)) and str(error):
        return str(error)
    return "its data is damaged"


def _check_room(name: SourceFormat, survey: Survey) -> None:
    """WebP's decoder says the same for want of memory as for a damaged file."""
    need = WEBP_CANVASES * survey.width * survey.height if name == "webp" else 0
    free = left()
    if free is not None and free < need:
        raise MemoryError


def _check_size(file: ImageFile, survey: Survey) -> None:
    """Limits were checked on the survey's size: a decoder that sees another must not go on."""
    if file.size not in ((survey.width, survey.height), survey.displayed):
        raise corrupt(
            f"the header can be read as {survey.width} x {survey.height}"
            f" and as {file.width} x {file.height}"
        )


def _decoder(stored: BinaryIO, name: SourceFormat, survey: Survey, frames: int) -> ImageFile:
    """The decoder, having read the header; it sees no more of the file than it needs."""
    module, reader = READERS[name]
    parts = survey.still_parts if frames == 1 and survey.still_parts else survey.parts
    seen = Spliced(stored, parts) if parts else stored
    return getattr(import_module(module), reader)(seen)  # type: ignore[no-any-return]
