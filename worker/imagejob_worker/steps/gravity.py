"""Step: `gravity: smart`, which part of a picture a crop should keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.plan import Job
    from imagejob_worker.steps.picture import Frame, Origin


def aim(jobs: Sequence[Job], frame: Frame, origin: Origin) -> tuple[Job, ...]:
    """The jobs, those with smart gravity moved."""
    return tuple(jobs)
