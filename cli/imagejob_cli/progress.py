"""Progress on standard error: bars on a terminal, lines in a log, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from . import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from imagejob_operator.api.imagejob import ImageJob

    from .local import Outcome


class Lines:
    """Prints a line for each ImageJob that ends. A context manager, as its subclasses are."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._namespaces: set[str] = set()
        self._taken = self._done = 0
        self._complete = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def taken(self, jobs: Sequence[ImageJob], *, complete: bool) -> None:
        self._namespaces |= {job.metadata.namespace for job in jobs}
        self._taken += len(jobs)
        self._complete = complete

    def started(self, job: ImageJob) -> None:
        """Print nothing yet."""

    def ended(self, outcome: Outcome) -> None:
        self._done += 1
        self._say(f"[{self._count()}] {self._name(outcome.job)}: {words.line(outcome)}")

    def warn(self, message: str) -> None:
        self._say(f"imagejob: {words.printable(message)}")

    def tick(self) -> None:
        """Ignore: a log doesn't need it."""

    def _count(self) -> str:
        """`3/7`; only `3` while it isn't known how many there are."""
        if not self._complete:
            return str(self._done)
        return f"{self._done:{len(str(self._taken))}}/{self._taken}"

    def _name(self, job: ImageJob) -> str:
        return words.name(job, with_namespace=len(self._namespaces) > 1)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Silence(Lines):
    """Prints only errors of the run itself."""

    def ended(self, outcome: Outcome) -> None:
        """Print nothing: the result is shown at the end."""


class Bars(Lines):
    """Shows a bar for all ImageJobs, and a line with a clock for each running one."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        # Without its own thread: the worker's processes are forked meanwhile.
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._all = self._bars.add_task("ImageJobs", total=None, count="")
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def taken(self, jobs: Sequence[ImageJob], *, complete: bool) -> None:
        super().taken(jobs, complete=complete)
        if complete:
            self._bars.update(self._all, total=self._taken, count=self._count())

    def started(self, job: ImageJob) -> None:
        if job.metadata.uid in self._running:  # once more, with more memory
            return
        name = escape(self._name(job))
        self._running[job.metadata.uid] = self._bars.add_task(name, total=None, count="")
        self._bars.refresh()

    def ended(self, outcome: Outcome) -> None:
        task = self._running.pop(outcome.job.metadata.uid, None)
        if task is not None:
            self._bars.remove_task(task)
        self._done += 1
        self._bars.update(self._all, completed=self._done, count=self._count())
        self._bars.refresh()

    def tick(self) -> None:
        self._bars.refresh()


def watcher(*, quiet: bool) -> Lines:
    """Return the progress display that suits standard error."""
    console = Console(stderr=True)
    if quiet:
        return Silence(console)
    return Bars(console) if console.is_terminal else Lines(console)
