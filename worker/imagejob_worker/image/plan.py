"""What to derive from what: decided from sizes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.order import Output
from imagejob_worker.image.geometry import Placement, Size, place

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAFT_SCALES = (8, 4, 2)
"""The scales at which libjpeg decodes by computing fewer coefficients of each block."""

DRAFT_MARGIN = 1.5
"""How many decoded pixels an output pixel must have at least, along each side, to use a scale.

Measured on fine lines, 24 MP to 400..740 px, as the root mean square difference to Lanczos alone:
at 1.9 1.4 of 255, at 1.5 2.1, at 1.25 3.0, at 1.0 4.4; libvips comes to 2.7, Pillow's `thumbnail`
to 2.3 (docs/decisions has the table).
"""

CHAIN_MARGIN = 2.0
"""How many pixels of an intermediate an output pixel must have. Below two, resampling a resampled
picture shows."""


class Job(msgspec.Struct, frozen=True):
    """One output to make: `index` is its place in the item; `parent` is the index of the output
    whose intermediate it starts from, None for the decoded source."""

    index: int
    output: Output
    placement: Placement
    parent: int | None = None


def lay_out(source: Size, outputs: Sequence[Output]) -> tuple[Job, ...]:
    """A job for each output; `source` is the size as displayed."""
    return tuple(Job(index, output, place(source, output)) for index, output in enumerate(outputs))


def chain(source: Size, jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The jobs, largest first, each with the smallest earlier one that it can start from."""
    ordered: list[Job] = []
    for job in sorted(jobs, key=lambda job: (-_area(job.placement.size), job.index)):
        parents = [done.index for done in ordered if _serves(done, job, source)]
        ordered.append(msgspec.structs.replace(job, parent=parents[-1] if parents else None))
    return tuple(ordered)


def draft_scale(stored: Size, orientation: int, jobs: Sequence[Job]) -> int:
    """The largest of 8, 4, 2, 1 at which a JPEG still has the pixels that every output needs.

    `stored` is the size before orientation: for orientations 5 to 8 the axes of need are swapped.
    """
    across, down = (1, 0) if orientation >= 5 else (0, 1)
    displayed = stored[across], stored[down]
    needs = [_need(job.placement, displayed) for job in jobs]
    width = DRAFT_MARGIN * max(need[across] for need in needs)
    height = DRAFT_MARGIN * max(need[down] for need in needs)
    for scale in DRAFT_SCALES:
        if stored[0] >= width * scale and stored[1] >= height * scale and scale <= min(stored):
            return scale
    return 1


def same_pixels(one: Job, other: Job) -> bool:
    """Whether two jobs show the same part of the source at the same size."""
    return (one.placement.box, one.placement.size) == (other.placement.box, other.placement.size)


def _serves(done: Job, job: Job, source: Size) -> bool:
    """Whether `job` can start from what `done` made, without a visible loss."""
    if same_pixels(done, job):
        return True
    need = _need(job.placement, source)
    has = done.placement.size
    uncropped = done.placement.extent == source
    return uncropped and has[0] >= CHAIN_MARGIN * need[0] and has[1] >= CHAIN_MARGIN * need[1]


def _need(placement: Placement, source: Size) -> tuple[float, float]:
    """How large the whole source would be, in pixels, at this output's scale."""
    width, height = placement.extent
    return placement.size[0] / width * source[0], placement.size[1] / height * source[1]


def _area(size: Size) -> int:
    return size[0] * size[1]
