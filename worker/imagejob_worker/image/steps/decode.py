"""Step: decode the source, and judge what is missing or damaged.

Its still image, or the frames of its animation, or both: a still output never shows a frame because
an animated one is made beside it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from PIL import Image

from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.damage import Damage, accept, percent
from imagejob_worker.image.jpeg_settings import jpeg_settings
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.steps.load_jpeg import load_jpeg
from imagejob_worker.image.steps.reader import DAMAGE, opened, still_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.parsers.probe import Probe
    from imagejob_worker.image.raster import Frame


BY_ROWS: Final[tuple[SourceFormat, ...]] = ("png", "gif")
"""Formats of which the rows before the damage can be had. JPEG has a step of its own; WebP, AVIF
and TIFF are decoded whole or not at all."""


def decode(context: SourceContext) -> None:
    """Decode what the outputs begin with; an animation's later frames follow as they are asked for.

    Raises CorruptImage or TooLarge; MemoryError is left to the caller.
    """
    if not context.probe.ended:
        context.notes |= Note.NO_END
    animated = {plan.animated for plan in context.plans}
    context.first_frames, context.more_frames = {}, _animation(context)
    if False in animated and (context.probe.apart or True not in animated):
        context.first_frames[False] = _still(context)
    if True not in animated:
        context.on_decoded()
        return
    context.first_frames[True] = next(context.more_frames)
    if False in animated:
        context.first_frames.setdefault(False, context.first_frames[True])


def _animation(context: SourceContext) -> Iterator[Frame]:
    """Yield the frames before the first that isn't whole; that one ends it, if damage is accepted.

    With the last one, the source is decoded whole.
    """
    name, probe, cut = context.format, context.probe, context.probe.cut_frame
    frames = cut - 1 if cut else probe.frames
    if cut:
        _accept_missing(context, cut)
    # By `loading`, for formats that move.
    from imagejob_worker.image.steps.decode_frames import decode_frames

    with context.files.source() as stored:
        decoded = decode_frames(stored, name, probe, frames)
        for number in range(1, frames + 1):
            frame = _next(context, decoded, number)
            if frame is None or number == frames:
                context.on_decoded()
            if frame is None:
                return
            yield frame
            del frame  # or it would be kept while the next one is decoded


def _next(context: SourceContext, frames: Iterator[Frame], number: int) -> Frame | None:
    """Return the next frame; None if it is damaged, and outputs may show those before it."""
    try:
        with _in_our_words(context.format, context.probe):
            return next(frames)
    except ItemFailure as failure:
        if failure.reason != "CorruptImage" or number == 1:
            raise
    _accept_missing(context, number)
    return None


def _accept_missing(context: SourceContext, number: int) -> None:
    """Accept that the frames from this one on aren't shown. Raises CorruptImage."""
    missing = f"the frames from {number:,} on are missing or damaged"
    if number == 1:
        raise corrupt(missing)
    context.notes |= accept(Damage(missing), context.item.limits)


def _still(context: SourceContext) -> Frame:
    """Return the image for readers that know no animation, or what can be had of it."""
    name, probe, limits = context.format, context.probe, context.item.limits
    try:
        frame = _whole(context)
    except ItemFailure as failure:
        if failure.reason != "CorruptImage" or name not in BY_ROWS:
            raise
        from imagejob_worker.image.steps.salvage import salvage  # by `loading`, for those formats

        failure.__cause__ = failure.__traceback__ = None  # they hold what was decoded
        frame, damage = salvage(context.files, name, probe, failure)
    else:
        damage = _behind_checksum(context) if probe.wrong_at else None
    context.notes |= accept(damage, limits)
    return frame


def _behind_checksum(context: SourceContext) -> Damage | None:
    from imagejob_worker.image.steps.salvage import damage_by_checksum  # by `loading`, for PNG

    return damage_by_checksum(context.files, context.probe)


def _whole(context: SourceContext) -> Frame:
    name, probe = context.format, context.probe
    with _in_our_words(name, probe), context.files.source() as stored:
        if not all(probe.still_size):  # a GIF may begin with an empty frame
            # By `loading`, for GIF.
            from imagejob_worker.image.steps.decode_frames import decode_frames

            return next(decode_frames(stored, name, probe, 1))
        with opened(stored, name, probe) as file:
            context.jpeg_settings = jpeg_settings(file) if name == "jpeg" else None
            if (scale := context.draft_scale) > 1:
                file.draft(None, (probe.width // scale, probe.height // scale))
            if name == "jpeg":
                damage = load_jpeg(cast("ImageFile", file), probe)
                context.notes |= accept(damage, context.item.limits)
            file.load()
            return still_frame(file, probe)


@contextmanager
def _in_our_words(name: SourceFormat, probe: Probe) -> Iterator[None]:
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
