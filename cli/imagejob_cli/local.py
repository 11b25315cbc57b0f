"""Runs ImageJobs without a cluster: decide, process, describe."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from .course import Course, ended_worker
from .orders import cut
from .process import Broken, Reported

if TYPE_CHECKING:
    from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
    from imagejob_operator.config.platform import Platform
    from imagejob_operator.contract.order import Order
    from imagejob_operator.imagejob.resolve import Resolved

    from .given import Given
    from .orders import Batch
    from .process import Workplace


class Outcome(NamedTuple):
    """An ImageJob and its status."""

    job: ImageJob
    status: ImageJobStatus


class Watcher(Protocol):
    """Receives progress in the thread that runs everything."""

    def started(self, job: ImageJob) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...

    def warn(self, message: str) -> None: ...

    def tick(self) -> None:
        """Called after some time has passed."""
        ...


def run(given: Given, platform: Platform, workplace: Workplace, watcher: Watcher) -> list[Outcome]:
    """Run every ImageJob and return the statuses, in the order given."""
    courses = [Course(task, given.stores, platform) for task in given.tasks]
    outcomes: dict[Course, Outcome] = {}
    ready: list[tuple[Course, Resolved]] = []
    for course in courses:
        resolved = course.ready(utc_now())
        if resolved:
            ready.append((course, resolved))
        else:  # its status says what it waits for, or why it can't run
            outcomes[course] = Outcome(course.job, course.status(None, utc_now()))
            watcher.ended(outcomes[course])
    larger: list[tuple[Course, Resolved]] = []
    for batch in cut(ready, given.folders, platform):
        progress = _Progressing(batch, watcher)
        outcomes |= progress.carry_out(workplace)
        larger += progress.larger
    # One by one: a machine that runs so many at once may not have so much memory for each.
    one_by_one = msgspec.structs.replace(platform, parallelism=1)
    for batch in cut(larger, given.folders, one_by_one, "large"):
        outcomes |= _Progressing(batch, watcher).carry_out(workplace)
    return [outcomes[course] for course in courses]


class _Progressing:
    """One batch that is being processed. `larger` are those that need more memory than it has."""

    def __init__(self, batch: Batch, watcher: Watcher) -> None:
        self._order, self._courses = batch
        self._watcher = watcher
        self._started_at = utc_now().replace(microsecond=0)  # as a kubelet reports it
        # The worker takes items in order, the next one when one has ended.
        self._waiting = iter(self._courses)
        self._outcomes: dict[Course, Outcome] = {}
        self.larger: list[tuple[Course, Resolved]] = []

    def carry_out(self, workplace: Workplace) -> dict[Course, Outcome]:
        self._start(self._order.parallelism)
        with closing(workplace.carry_out(self._order)) as messages:
            for message in messages:
                match message:
                    case Reported(index, report):
                        self._ended(self._courses[index], self._order, report)
                        self._start(1)
                    case Broken(why):
                        self._watcher.warn(f"the worker failed: {why} (--verbose shows more)")
                    case None:
                        self._watcher.tick()
        for item, course in zip(self._order.items, self._courses, strict=True):
            if course not in self._outcomes:
                # Reported as if it had been alone: no retry here finds out which one was at fault.
                alone = msgspec.structs.replace(self._order, items=(item,))
                self._ended(course, alone, "", exit_code=1)
        return self._outcomes

    def _start(self, count: int) -> None:
        for course in islice(self._waiting, count):
            self._watcher.started(course.job)

    def _ended(self, course: Course, order: Order, report: str, exit_code: int = 0) -> None:
        worker = ended_worker(order, report, exit_code, self._started_at)
        outcome = Outcome(course.job, course.status(worker, utc_now()))
        self._outcomes[course] = outcome
        resolved = course.with_memory(outcome.status, utc_now())
        if resolved:
            self.larger.append((course, resolved))
        else:
            self._watcher.ended(outcome)


def utc_now() -> datetime:
    """Return the time for all decisions."""
    return datetime.now(UTC)
