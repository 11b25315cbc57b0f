"""Step: decode the source into frames, and judge what is missing or damaged."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import msgspec
from PIL import Image

from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.damage import Damage, accept, percent
from imagejob_worker.image.jpeg_settings import jpeg_settings
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.steps.load_jpeg import load_jpeg
from imagejob_worker.image.steps.reader import DAMAGE, current_frame, opened
from imagejob_worker.image.steps.salvage import BY_ROWS, damage_by_checksum, salvage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from PIL.ImageFile import ImageFile

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.files import Files
    from imagejob_worker.image.parsers.probe import Probe
    from imagejob_worker.image.raster import Frame

WEBP_CANVASES = 8
"""Bytes a pixel that WebP's decoder takes before it looks at one: two canvases of RGBA."""


def decode(context: SourceContext) -> None:
    """Decode the first frame; the others follow as they are asked for.

    Raises CorruptImage or TooLarge; MemoryError is left to the caller.
    """
    if not context.probe.ended:
        context.notes |= Note.NO_END
    if context.frames > 1:
        context.more_frames = _animation(context)
        context.first_frame = next(context.more_frames)
    else:
        context.first_frame, context.more_frames = _still(context), iter(())
        context.on_decoded()


def _animation(context: SourceContext) -> Iterator[Frame]:
    """Yield the frames that are there whole. With the last one, the source is decoded whole."""
    frames, cut = context.frames, context.probe.cut_frame
    if cut:
        missing = f"the frames from {cut:,} on are missing or damaged"
        if cut == 1:
            raise corrupt(missing)
        context.notes |= accept(Damage(missing), context.item.limits)
        frames = cut - 1
    for index, frame in enumerate(_frames(context, frames)):
        if index == frames - 1:
            context.on_decoded()
        yield frame


def _still(context: SourceContext) -> Frame:
    """Return the first frame, or what can be had of it."""
    name, probe, limits = _name(context), context.probe, context.item.limits
    try:
        frames = _frames(context, 1)
        frame = next(frames)
        frames.close()  # a decoder may hold as much memory as the frame
    except ItemFailure as failure:
        if failure.reason != "CorruptImage" or name not in BY_ROWS:
            raise
        failure.__cause__ = failure.__traceback__ = None  # they hold what was decoded
        frame, damage = salvage(context.files, name, probe, failure)
    else:
        damage = damage_by_checksum(context.files, probe) if probe.wrong_at else None
    context.notes |= accept(damage, limits)
    return frame


def _name(context: SourceContext) -> SourceFormat:
    assert context.facts  # noqa: S101 (for mypy: identify has set it)
    return context.facts.format


def _frames(context: SourceContext, frames: int) -> Generator[Frame]:
    """Yield so many frames."""
    name, probe, moving = _name(context), context.probe, context.frames > 1
    with _told(name, probe):
        _check_memory(context.files, name, probe)
        with context.files.source() as stored, opened(stored, name, probe, context.frames) as file:
            context.jpeg_settings = jpeg_settings(file) if name == "jpeg" else None
            if (scale := context.draft_scale) > 1:
                file.draft(None, (probe.width // scale, probe.height // scale))
            for index in range(frames):
                file.seek(index + (probe.first if moving else 0))
                size = file.size
                if name == "jpeg":
                    context.notes |= accept(
                        load_jpeg(cast("ImageFile", file), probe), context.item.limits
                    )
                file.load()
                frame = current_frame(file, probe, size)
                if moving:  # the decoder draws the next one over it
                    frame = msgspec.structs.replace(frame, image=frame.image.copy())
                yield frame


@contextmanager
def _told(name: SourceFormat, probe: Probe) -> Iterator[None]:
    """Tell users what decoders raise, without their words: these are for programmers."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ItemFailure("TooLarge", "a frame is larger than the header says") from error
    except DAMAGE as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        lost = probe.bytes_missing
        what = f"the last {percent(lost)} of the file is missing" if lost else "its data is damaged"
        raise corrupt(f"the {name} can't be decoded: {what}") from error


def _check_memory(files: Files, name: SourceFormat, probe: Probe) -> None:
    """WebP's decoder reports a lack of memory as a damaged file, so check before."""
    need = WEBP_CANVASES * probe.width * probe.height if name == "webp" else 0
    free = files.free_address_space()
    if free is not None and free < need:
        raise MemoryError
