"""Open the source with the decoder of its format, and read a frame.

The decoder's class is called by name rather than through `Image.open`: no other decoder can pick up
the file, and none but the one needed is imported (Image.open imports five, 5 ms of CPU).
"""

from __future__ import annotations

import struct
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

from imagejob_worker.image.loading import READERS
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.raster import Frame
from imagejob_worker.image.spliced import Spliced
from imagejob_worker.image.steps.modes import normalize, space_of

if TYPE_CHECKING:
    from PIL import Image

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.parsers.probe import Probe

# All that Pillow's decoders were seen to raise on damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
    AssertionError, OverflowError, RuntimeError, ZeroDivisionError, struct.error, zlib.error,
)  # fmt: skip


def opened(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Image.Image:
    """Return the decoder, which has read the header; it sees only the parts that it needs.

    Of a TIFF it is the image, decoded. Raises CorruptImage, and DAMAGE.
    """
    module, reader = READERS[name]
    file: Image.Image
    if probe.layout is not None:
        file = getattr(import_module(module), reader)(stored, probe)
    else:
        parts = probe.still_parts if frames == 1 and probe.still_parts else probe.parts
        seen = Spliced(stored, parts) if parts else stored
        file = getattr(import_module(module), reader)(seen)
    if probe.crop is not None:
        if file.width < probe.crop[2] or file.height < probe.crop[3]:
            raise corrupt("the picture is not within the decoded image")
        file = file.crop(probe.crop)
    if file.size not in ((probe.width, probe.height), probe.displayed):
        # The probe's size is what was checked: no decoder may see another.
        raise corrupt(
            f"the header can be read as {probe.width} x {probe.height}"
            f" and as {file.width} x {file.height}"
        )
    return file


def current_frame(file: Image.Image, probe: Probe, size: tuple[int, int]) -> Frame:
    """Return the frame that the decoder has loaded. GIF frames larger than the first, whose size is
    given, are cut to it, as browsers do."""
    # Of grey with alpha at 16 bits, the decoder makes RGBA.
    space = "GRAY" if probe.grey else space_of(file.mode)
    shown = round(file.info.get("duration", 0))
    if probe.clear is not None:
        file.info["transparency"] = probe.clear
    image = normalize(file)
    return Frame(image if image.size == size else image.crop((0, 0, *size)), shown, space)
