"""Runs ImageJobs without a cluster: decide, process, describe."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
from imagejob_operator.api.batch import MAX_BATCH

from .course import Course, ended_worker
from .given import stores_of
from .orders import cut
from .process import Broken, Reported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
    from imagejob_operator.config.platform import Platform
    from imagejob_operator.contract.order import Order
    from imagejob_operator.imagejob.resolve import Resolved

    from .given import Task
    from .orders import Batch
    from .process import Workplace


class Outcome(NamedTuple):
    """An ImageJob and its status."""

    job: ImageJob
    status: ImageJobStatus


class Watcher(Protocol):
    """Receives progress in the thread that runs everything."""

    def taken(self, jobs: Sequence[ImageJob], *, complete: bool) -> None:
        """Called with the next to be run; `complete` says that there are no others."""
        ...

    def started(self, job: ImageJob) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...

    def warn(self, message: str) -> None: ...

    def tick(self) -> None:
        """Called after some time has passed."""
        ...


class Run:
    """Runs ImageJobs, and knows what became of those that have ended."""

    def __init__(
        self,
        folders: Mapping[str, Path],
        platform: Platform,
        workplace: Workplace,
        watcher: Watcher,
    ) -> None:
        self._folders = folders
        self._stores = stores_of(folders)
        self._platform = platform
        self._workplace = workplace
        self._watcher = watcher
        self._courses: list[Course] = []
        self._outcomes: dict[Course, Outcome] = {}

    @property
    def outcomes(self) -> list[Outcome]:
        """Of the ImageJobs that have ended, or can't run now, in the order given."""
        return [self._outcomes[course] for course in self._courses if course in self._outcomes]

    def carry_out(self, tasks: Iterable[Task]) -> None:
        """Run every ImageJob. So many tasks are taken as a worker takes; others when they have
        ended."""
        tasks, complete = iter(tasks), False
        while not complete:
            taken = list(islice(tasks, MAX_BATCH))
            complete = len(taken) < MAX_BATCH
            self._watcher.taken([task.job for task in taken], complete=complete)
            ready = list(self._ready(taken))
            for batch in cut(ready, self._folders, self._platform):
                self._progress(batch)

    def _progress(self, batch: Batch) -> None:
        """Process a batch, and those of it once more that need more memory than it has.

        These one by one: a machine that runs so many at once may not have so much for each.
        """
        progress = _Progressing(batch, self._watcher, self._outcomes)
        progress.carry_out(self._workplace)
        one_by_one = msgspec.structs.replace(self._platform, parallelism=1)
        for larger in cut(progress.larger, self._folders, one_by_one, "large"):
            _Progressing(larger, self._watcher, self._outcomes).carry_out(self._workplace)

    def _ready(self, tasks: Iterable[Task]) -> Iterator[tuple[Course, Resolved]]:
        for task in tasks:
            course = Course(task, self._stores, self._platform)
            self._courses.append(course)
            resolved = course.ready(utc_now())
            if resolved:
                yield course, resolved
            else:  # its status says what it waits for, or why it can't run
                self._outcomes[course] = Outcome(course.job, course.status(None, utc_now()))
                self._watcher.ended(self._outcomes[course])


class _Progressing:
    """One batch that is being processed; `outcomes` gets those of its courses.

    `larger` are those that need more memory than it has.
    """

    def __init__(self, batch: Batch, watcher: Watcher, outcomes: dict[Course, Outcome]) -> None:
        self._order, self._courses = batch
        self._watcher = watcher
        self._started_at = utc_now().replace(microsecond=0)  # as a kubelet reports it
        # The worker takes items in order, the next one when one has ended.
        self._waiting = iter(self._courses)
        self._outcomes = outcomes
        self.larger: list[tuple[Course, Resolved]] = []

    def carry_out(self, workplace: Workplace) -> None:
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
