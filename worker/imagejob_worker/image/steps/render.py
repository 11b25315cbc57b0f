"""Steps 5 to 7: one decoded frame becomes each output's pixels, largest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.image.geometry import unoriented
from imagejob_worker.image.plan import same_pixels
from imagejob_worker.image.steps.orient import upright
from imagejob_worker.image.steps.resize import resize
from imagejob_worker.image.steps.to_srgb import to_srgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagejob_worker.image.plan import Job
    from imagejob_worker.image.raster import Frame, Origin, Picture


def render(frame: Frame, jobs: Sequence[Job], origin: Origin) -> Iterator[tuple[Job, Picture]]:
    """Each job's picture, upright. Jobs come as `plan.chain` orders them.

    What later outputs start from is reduced and in sRGB, but not turned: turning is cheapest last.
    """
    bases: dict[int | None, Picture] = {None: origin.picture(frame)}
    done: dict[int | None, Job] = {}
    for job in jobs:
        base = bases[job.parent]
        if job.parent is None or not same_pixels(done[job.parent], job):
            base = _reduced(base, job, origin)
            base = to_srgb(base, keep=origin.keep_icc)
        bases[job.index], done[job.index] = base, job
        yield job, upright(base, origin.survey.orientation)


def _reduced(base: Picture, job: Job, origin: Origin) -> Picture:
    survey = origin.survey
    box = unoriented(job.placement.box, (survey.width, survey.height), survey.orientation)
    width, height = job.placement.size
    size = (height, width) if survey.orientation >= 5 else (width, height)
    return resize(base, box, size)
