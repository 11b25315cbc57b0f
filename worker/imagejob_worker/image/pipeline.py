"""The image pipeline: a source file in, the item's outputs as files in a folder.

No I/O but these, no network, no clock; the same source and item give the same bytes.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from PIL import Image

from imagejob_worker.contract.facts import Kind, Made, Note, Processed, SourceFacts
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image import metadata, plan
from imagejob_worker.image.profile import profile_for
from imagejob_worker.image.raster import Frame, Origin, Picture
from imagejob_worker.image.steps import check_limits as refuse
from imagejob_worker.image.steps import probe as read
from imagejob_worker.image.steps import smart_gravity as gravity
from imagejob_worker.image.steps.decode import decode
from imagejob_worker.image.steps.encode import Animation
from imagejob_worker.image.steps.finish import Finished, finish
from imagejob_worker.image.steps.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imagejob_worker.contract.order import Item, Output, SourceFormat
    from imagejob_worker.image.parsers.probe import Survey
    from imagejob_worker.image.plan import Job

__all__ = ["Kind", "Made", "Note", "Processed", "SourceFacts", "preload", "process"]

MAX_MESSAGE = 120


def preload(items: int) -> None:
    """Import what children forked afterwards would import, each for itself, for so many items.

    For one item that is what nearly all need: the rest takes 4 ms, and only some use any of it.
    """
    from PIL import JpegImagePlugin  # noqa: F401

    from imagejob_worker.image.parsers import jpeg  # noqa: F401

    if items > 1:
        from PIL import ImageCms, PngImagePlugin, WebPImagePlugin  # noqa: F401


def process(
    source: str,
    item: Item,
    formats: Sequence[SourceFormat],
    folder: str,
    decoded: Callable[[], None] = lambda: None,
) -> Processed:
    """Make every output of `item` from the file `source`, into `folder`.

    `decoded` is called when the source has no more to say: what goes wrong later is our own fault.
    Raises ItemFailure, with what was known of the source by then; files may be left in `folder`.
    Sets Pillow's MAX_IMAGE_PIXELS, as a second fence behind the limits checked here.
    """
    facts: SourceFacts | None = None
    try:
        with catch_warnings():
            simplefilter("ignore")  # a decoder's opinion of a source is no news to a log
            simplefilter("error", Image.DecompressionBombWarning)
            Image.MAX_IMAGE_PIXELS = item.limits.max_pixels
            name = read.identify(source, formats)
            facts = SourceFacts(name)
            survey = read.survey(source, name)
            facts = SourceFacts(name, *survey.displayed, max(survey.frames, survey.pages))
            return _make(source, facts, survey, item, folder, decoded)
    except ItemFailure as failure:
        raise ItemFailure(failure.reason, _line(failure.message), facts) from failure
    except MemoryError as error:
        message = "processing needs more memory than one item may have"
        raise ItemFailure("OutOfMemory", message, facts) from error
    except Exception as error:
        message = _line(f"{type(error).__name__}: {error}")
        raise ItemFailure("Internal", message, facts) from error


def _make(
    source: str,
    facts: SourceFacts,
    survey: Survey,
    item: Item,
    folder: str,
    decoded: Callable[[], None],
) -> Processed:
    """The steps in their order, from the walked container to the encoded files."""
    moving = [survey.frames > 1 and _animates(output) for output in item.outputs]
    frames = survey.frames if any(moving) else 1
    refuse.hdr(survey)
    refuse.empty(survey)
    refuse.oversize(survey, item.limits, frames)

    jobs = plan.lay_out(survey.displayed, item.outputs)
    scale = 1
    if facts.format == "jpeg":
        scale = plan.draft_scale((survey.width, survey.height), survey.orientation, jobs)
    film = decode(source, facts.format, survey, scale=scale, frames=frames, decoded=decoded)
    first = next(film)
    if frames == 1:
        film.close()  # a decoder may hold as much as the picture
    origin = Origin(
        survey, profile_for(survey.icc, first.space), "icc" in item.metadata.keep, scale
    )

    jobs = gravity.aim(jobs, first, origin)
    stills = plan.chain(survey.displayed, [job for job in jobs if not moving[job.index]])
    reels = plan.chain(survey.displayed, [job for job in jobs if moving[job.index]])
    done = _stills(first, stills, origin, folder)
    done |= _animations(first, film, reels, origin, folder)
    return _processed(facts, origin, frames, [done[index] for index in range(len(jobs))])


def _stills(first: Frame, jobs: Sequence[Job], origin: Origin, folder: str) -> dict[int, Finished]:
    """Each output is encoded before the next is rendered, so that few pixels are held at once."""
    return {
        job.index: finish([picture], job, origin, None, f"{folder}/{job.index}")
        for job, picture in render(first, jobs, origin)
    }


def _animations(
    first: Frame, film: Iterator[Frame], jobs: Sequence[Job], origin: Origin, folder: str
) -> dict[int, Finished]:
    """Each frame is decoded once and reduced for every output before the next is decoded."""
    if not jobs:
        return {}
    reels: dict[int, list[Picture]] = {job.index: [] for job in jobs}
    durations: list[int] = []
    for frame in chain([first], film):
        durations.append(frame.milliseconds)
        for job, picture in render(frame, jobs, origin):
            reels[job.index].append(picture)
    animation = Animation(durations, origin.survey.plays)
    return {
        job.index: finish(reels[job.index], job, origin, animation, f"{folder}/{job.index}")
        for job in jobs
    }


def _processed(
    facts: SourceFacts, origin: Origin, frames: int, done: Sequence[Finished]
) -> Processed:
    survey = origin.survey
    icc_kept = all(finished.icc_kept for finished in done)
    notes = Note(0)
    if survey.icc_dropped or (survey.icc is not None and origin.profile is None):
        notes |= Note.ICC_DROPPED
    if facts.frames > frames:
        notes |= Note.FRAMES_UNUSED
    return Processed(
        source=facts,
        outputs=tuple(finished.made for finished in done),
        removed=metadata.removed(survey.kinds, icc_kept=icc_kept),
        notes=notes,
    )


def _animates(output: Output) -> bool:
    """Whether an output asks for animation in a format that has it."""
    return output.animated and output.format != "jpeg"


def _line(message: str) -> str:
    """One line of printable ASCII, at most 120 characters: what the report can carry."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in " ".join(message.split()))
    return plain if len(plain) <= MAX_MESSAGE else plain[: MAX_MESSAGE - 3] + "..."
