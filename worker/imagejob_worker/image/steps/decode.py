"""Step: decode the source into frames.

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
from imagejob_worker.image.loading import READERS
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.raster import Frame
from imagejob_worker.image.spliced import Spliced
from imagejob_worker.image.steps.modes import normalize, space_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.files import Files
    from imagejob_worker.image.parsers.probe import Probe

WEBP_CANVASES = 8
"""Bytes a pixel that WebP's decoder takes before it looks at one: two canvases of RGBA."""

# All that Pillow's decoders were seen to raise on damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
    AssertionError, OverflowError, RuntimeError, ZeroDivisionError, struct.error, zlib.error,
)  # fmt: skip


def decode(context: SourceContext) -> None:
    """Decode the first frame; the others follow as they are asked for.

    Raises CorruptImage or TooLarge; MemoryError is left to the caller.
    """
    frames = _frames(context)
    context.first_frame, context.more_frames = next(frames), frames
    if context.frames == 1:
        frames.close()  # a decoder may hold as much memory as the frame


def _frames(context: SourceContext) -> Generator[Frame]:
    """Yield the frames to decode. With the last one, the source is decoded whole."""
    assert context.facts  # noqa: S101 (for mypy: identify has set it)
    name, probe, frames = context.facts.format, context.probe, context.frames
    try:
        _check_memory(context.files, name, probe)
        with context.files.source() as stored, _decoder(stored, name, probe, frames) as file:
            _check_size(file, probe)
            if (scale := context.draft_scale) > 1:
                file.draft(None, (probe.width // scale, probe.height // scale))
            for index in range(frames):
                file.seek(index + (probe.first if frames > 1 else 0))
                frame = _frame(file, probe)
                if frames > 1:  # the decoder draws the next one over it
                    frame = msgspec.structs.replace(frame, image=frame.image.copy())
                if index == frames - 1:
                    context.on_decoded()
                yield frame
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ItemFailure("TooLarge", f"a frame is larger than the header says: {error}") from error
    except DAMAGE as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise corrupt(f"the {name} can't be decoded: {_reason(error)}") from error


def _frame(file: Image.Image, probe: Probe) -> Frame:
    """Return the decoder's current frame. GIF frames larger than the first are cut to its size, as
    browsers do."""
    size = file.size
    file.load()
    # Of grey with alpha at 16 bits, the decoder makes RGBA.
    space = "GRAY" if probe.grey else space_of(file.mode)
    shown = round(file.info.get("duration", 0))
    if probe.clear is not None:
        file.info["transparency"] = probe.clear
    image = normalize(file)
    return Frame(image if image.size == size else image.crop((0, 0, *size)), shown, space)


def _reason(error: BaseException) -> str:
    """Return the decoder's message, unless it is one of Python's own about the decoder's code."""
    if isinstance(error, (OSError, SyntaxError, ValueError, EOFError)) and str(error):
        return str(error)
    return "its data is damaged"


def _check_memory(files: Files, name: SourceFormat, probe: Probe) -> None:
    """WebP's decoder reports a lack of memory as a damaged file, so check before."""
    need = WEBP_CANVASES * probe.width * probe.height if name == "webp" else 0
    free = files.free_address_space()
    if free is not None and free < need:
        raise MemoryError


def _check_size(file: Image.Image, probe: Probe) -> None:
    """The probe's size is what was checked: reject a file in which the decoder sees another."""
    if file.size not in ((probe.width, probe.height), probe.displayed):
        raise corrupt(
            f"the header can be read as {probe.width} x {probe.height}"
            f" and as {file.width} x {file.height}"
        )


def _decoder(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Image.Image:
    """Return the decoder, which has read the header; it sees only the parts that it needs.

    Of a TIFF it is the image, decoded.
    """
    module, reader = READERS[name]
    if probe.layout is not None:
        return getattr(import_module(module), reader)(stored, probe)  # type: ignore[no-any-return]
    parts = probe.still_parts if frames == 1 and probe.still_parts else probe.parts
    seen = Spliced(stored, parts) if parts else stored
    file: Image.Image = getattr(import_module(module), reader)(seen)
    if probe.crop is None:
        return file
    if file.width < probe.crop[2] or file.height < probe.crop[3]:
        raise corrupt("the picture is not within the decoded image")
    return file.crop(probe.crop)
