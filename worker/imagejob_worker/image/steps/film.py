"""The frames of an animation, decoded one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import msgspec

from imagejob_worker.image.compositor import Canvas
from imagejob_worker.image.raster import Frame
from imagejob_worker.image.spliced import Spliced
from imagejob_worker.image.steps.reader import current_frame, opened, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.parsers.probe import Patch, Probe

TOO_SHORT, INSTEAD = 10, 100
"""Milliseconds: browsers show a frame that is to show for so little, or not at all, for so long.
Chromium, Firefox and Safari, in all formats, since files from before they could do otherwise."""

LONGEST = 2**24 - 1
"""Milliseconds that a frame of a WebP can show: over four and a half hours."""


def film(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Iterator[Frame]:
    """Yield so many frames. Raises CorruptImage, and DAMAGE."""
    decoded = _composed if probe.patches else _played
    for frame in decoded(stored, name, probe, frames):
        yield msgspec.structs.replace(frame, milliseconds=_shown_for(frame.milliseconds))


def _composed(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Iterator[Frame]:
    """Yield frames that are composed here; each one's picture is decoded alone."""
    canvas = Canvas((probe.width, probe.height))
    for patch in probe.patches[:frames]:
        yield _drawn(canvas, patch, stored, name, probe)


def _drawn(
    canvas: Canvas, patch: Patch, stored: BinaryIO, name: SourceFormat, probe: Probe
) -> Frame:
    if not patch.pixels:
        return Frame(canvas.draw(patch, None), patch.milliseconds, "RGB")
    with reader_of(name)(Spliced(stored, patch.parts)) as file:
        file.load()
        picture = current_frame(file, probe)
    return Frame(canvas.draw(patch, picture.image), patch.milliseconds, picture.space)


def _played(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Iterator[Frame]:
    """Yield frames that the decoder composes."""
    with opened(stored, name, probe) as file:
        for index in range(frames):
            file.seek(index)
            file.load()
            frame = current_frame(file, probe)
            # The decoder draws the next one over it.
            yield msgspec.structs.replace(frame, image=frame.image.copy())


def _shown_for(milliseconds: int) -> int:
    """As browsers do: nothing shows for 10 ms or less."""
    return min(milliseconds, LONGEST) if milliseconds > TOO_SHORT else INSTEAD
