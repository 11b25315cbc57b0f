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

    def __init__(self, jobs: Sequence[ImageJob], console: Console) -> None:
        self._console = console
        self._total = len(jobs)
        self._with_namespace = words.many_namespaces(jobs)
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def started(self, job: ImageJob) -> None:
        """Print nothing yet."""

    def ended(self, outcome: Outcome) -> None:
        self._done += 1
        self._say(f"[{self._count()}] {self._name(outcome.job)}: {words.line(outcome)}")

    def warn(self, message: str) -> None:
        self._say(f"imagejob: {message}")

    def tick(self) -> None:
        """Ignore: a log doesn't need it."""

    def _count(self) -> str:
        return f"{self._done:{len(str(self._total))}}/{self._total}"

    def _name(self, job: ImageJob) -> str:
        return words.name(job, with_namespace=self._with_namespace)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Silence(Lines):
    """Prints only errors of the run itself."""

    def ended(self, outcome: Outcome) -> None:
        """Print nothing: the result is shown at the end."""


class Bars(Lines):
    """Shows a bar for all ImageJobs, and a line with a clock for each running one."""

    def __init__(self, jobs: Sequence[ImageJob], console: Console) -> None:
        super().__init__(jobs, console)
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
        self._all = self._bars.add_task("ImageJobs", total=self._total, count=self._count())
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

    def started(self, job: ImageJob) -> None:
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


def watcher(jobs: Sequence[ImageJob], *, quiet: bool) -> Lines:
    """Return the progress display that suits standard error."""
    console = Console(stderr=True)
    if quiet:
        return Silence(jobs, console)
    return Bars(jobs, console) if console.is_terminal else Lines(jobs, console)
