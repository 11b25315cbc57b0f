"""The frames of an animation, decoded one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

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


def decode_frames(
    stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int
) -> Iterator[Frame]:
    """Return so many frames, of which none is kept here. Raises CorruptImage, and DAMAGE."""
    frames_of = _composed if probe.patches else _played
    return frames_of(stored, name, probe, frames)


def _composed(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Iterator[Frame]:
    """Yield frames that are composed here; each one's picture is decoded alone."""
    canvas = Canvas(probe.stored)
    for patch in probe.patches[:frames]:
        canvas.dispose()
        yield _drawn(canvas, patch, stored, name, probe)


def _drawn(
    canvas: Canvas, patch: Patch, stored: BinaryIO, name: SourceFormat, probe: Probe
) -> Frame:
    shown_for = _shown_for(patch.milliseconds)
    if not patch.pixels:
        return Frame(canvas.draw(patch, None), shown_for, "RGB")
    picture = _picture(patch, stored, name, probe)
    return Frame(canvas.draw(patch, picture.image), shown_for, picture.space)


def _picture(patch: Patch, stored: BinaryIO, name: SourceFormat, probe: Probe) -> Frame:
    with reader_of(name)(Spliced(stored, patch.parts)) as file:
        file.load()
        return current_frame(file, probe)


def _played(stored: BinaryIO, name: SourceFormat, probe: Probe, frames: int) -> Iterator[Frame]:
    """Yield frames that the decoder composes."""
    with opened(stored, name, probe) as file:
        for index in range(frames):
            file.seek(index)
            file.load()
            yield _copied(current_frame(file, probe))


def _copied(frame: Frame) -> Frame:
    """The decoder draws the next one over it."""
    return Frame(frame.image.copy(), _shown_for(frame.milliseconds), frame.space)


def _shown_for(milliseconds: int) -> int:
    """As browsers do: nothing shows for 10 ms or less."""
    return min(milliseconds, LONGEST) if milliseconds > TOO_SHORT else INSTEAD
