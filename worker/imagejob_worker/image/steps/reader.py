"""Open the source with the decoder of its format, and read a frame.

The decoder's class is called by name rather than through `Image.open`: no other decoder can pick up
the file, and none but the one needed is imported (Image.open imports five, 5 ms of CPU).
"""

from __future__ import annotations

import struct
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from imagejob_worker.image.loading import READERS
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.raster import Frame
from imagejob_worker.image.spliced import Spliced
from imagejob_worker.image.steps.modes import normalize, space_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.parsers.probe import Probe

# All that Pillow's decoders were seen to raise on damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
    AssertionError, OverflowError, RuntimeError, ZeroDivisionError, struct.error, zlib.error,
)  # fmt: skip


def opened(stored: BinaryIO, name: SourceFormat, probe: Probe) -> Image.Image:
    """Return the decoder, which has read the header; it sees only the parts that it needs: of an
    animation that is composed here, those of its still image.

    Of a TIFF it is the image, decoded. Raises CorruptImage, and DAMAGE.
    """
    reader = reader_of(name)
    if probe.layout is not None:
        file = reader(stored, probe)
    else:
        file = reader(Spliced(stored, probe.parts) if probe.parts else stored)
    size = file.size
    if probe.crop is not None:
        if file.width < probe.crop[2] or file.height < probe.crop[3]:
            raise corrupt("the picture is not within the decoded image")
        left, top, right, bottom = probe.crop
        size = right - left, bottom - top
    if size != probe.still_size:
        # The probe's size is what was checked: no decoder may see another.
        raise corrupt(
            f"the header can be read as {probe.width} x {probe.height}"
            f" and as {file.width} x {file.height}"
        )
    return file


def reader_of(name: SourceFormat) -> Callable[..., Image.Image]:
    """Return the decoder's class, or function.

    AVIF's would start a thread for each of the node's CPUs, and each takes address space.
    """
    module_name, reader = READERS[name]
    module: Any = import_module(module_name)
    if name == "avif":
        module.DEFAULT_MAX_THREADS = 1
    return getattr(module, reader)  # type: ignore[no-any-return]


def current_frame(file: Image.Image, probe: Probe) -> Frame:
    """Return the frame that the decoder has loaded."""
    # Of grey with alpha at 16 bits, the decoder makes RGBA.
    space = "GRAY" if probe.grey else space_of(file.mode)
    shown = round(file.info.get("duration", 0))
    if probe.clear is not None:
        file.info["transparency"] = probe.clear
    image = normalize(file)
    if probe.crop is not None:
        image = image.crop(probe.crop)
    if image.mode == "L" and file.format == "GIF":  # greys in one frame, colours in the next
        image, space = image.convert("RGB"), "RGB"
    return Frame(image, shown, space)


def still_frame(file: Image.Image, probe: Probe) -> Frame:
    """Return the still image that the decoder has loaded: on its canvas, if it is smaller."""
    frame = current_frame(file, probe)
    if not probe.patches or probe.apart:
        return frame
    from imagejob_worker.image.compositor import Canvas  # by `loading`, for formats that move

    canvas = Canvas(probe.stored)
    return msgspec.structs.replace(frame, image=canvas.draw(probe.patches[0], frame.image))
