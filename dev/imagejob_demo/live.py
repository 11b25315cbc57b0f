"""The twelve on their way: a live table on a terminal, a line for each change anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from imagejob_dev.errors import DevError
from rich import box
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from imagejob_demo.statuses import ImageJob
from imagejob_demo.watch import Watch

PHASE_STYLES = {"Running": "cyan", "Succeeded": "green", "Failed": "yellow"}
QUIET_SECONDS = 20.0
"""After so many seconds without a change, a plain log repeats what it waits for."""


class StuckError(DevError):
    """Not all have finished in time, or the watch broke; the message names those that have not."""


def follow(
    console: Console,
    watch: Watch,
    expected: Mapping[str, str],
    seconds: float,
    assert_alive: Callable[[], None],
) -> Mapping[str, ImageJob]:
    """Show the changes until all have finished, and give the last of each.

    `expected` says of each name what it is. `assert_alive` is called all the time and may raise.
    """
    began = time.monotonic()
    show = _show_live if console.is_terminal else _show_lines
    try:
        show(console, _changes(watch, expected, began + seconds, assert_alive), watch, expected)
    except EOFError as error:
        raise StuckError(
            f"{error}, and these have not finished: {_open(watch, expected)}"
        ) from error
    if _unfinished(watch, expected):
        raise StuckError(f"not finished after {seconds:.0f} s: {_open(watch, expected)}")
    return watch.jobs


def _unfinished(watch: Watch, expected: Mapping[str, str]) -> list[str]:
    return [name for name in expected if name not in watch.ended]


def _open(watch: Watch, expected: Mapping[str, str]) -> str:
    """Each with where it stands."""
    parts = []
    for name in _unfinished(watch, expected):
        job = watch.jobs.get(name)
        parts.append(f"{name} ({f'{job.status.phase} {job.reason}'.strip() if job else 'unseen'})")
    return ", ".join(parts)


def _changes(
    watch: Watch,
    expected: Mapping[str, str],
    deadline: float,
    assert_alive: Callable[[], None],
) -> Iterator[ImageJob | None]:
    """Each change; None whenever there is none for a moment."""
    while _unfinished(watch, expected) and time.monotonic() < deadline:
        assert_alive()
        yield watch.next_change()


def _show_live(
    console: Console,
    changes: Iterator[ImageJob | None],
    watch: Watch,
    expected: Mapping[str, str],
) -> None:
    spinner = Spinner("dots", style="cyan")
    first = table(watch, expected, spinner)
    # Transient: the tables of the results take its place.
    with Live(first, console=console, refresh_per_second=10, transient=True) as shown:
        for _ in changes:
            shown.update(table(watch, expected, spinner))


def _show_lines(
    console: Console,
    changes: Iterator[ImageJob | None],
    watch: Watch,
    expected: Mapping[str, str],
) -> None:
    began = spoke = time.monotonic()
    said: dict[str, str] = {}
    for job in changes:
        now = time.monotonic()
        if job and job.name in expected and said.get(job.name) != (line := plain(job)):
            said[job.name] = line
        elif now - spoke > QUIET_SECONDS:
            line = f"still waiting for {_open(watch, expected)}"
        else:
            continue
        spoke = now
        console.print(f"  {now - began:5.1f} s  {line}", highlight=False, soft_wrap=True)


def plain(job: ImageJob) -> str:
    """One change in a line."""
    phase = job.status.phase or "applied"
    reason = "" if job.reason in ("", phase) else job.reason
    return f"{job.name:<11} {phase:<10} {reason}".rstrip()


def table(watch: Watch, expected: Mapping[str, str], spinner: Spinner) -> Table:
    """How all of them stand now."""
    done = len(expected) - len(_unfinished(watch, expected))
    shown = Table(
        box=box.SIMPLE_HEAD,
        title=f"{done} of {len(expected)} ImageJobs finished",
        title_style="bold",
        title_justify="left",
        pad_edge=False,
    )
    for column, width in {"": 1, "ImageJob": 10, "phase": 9, "reason": 17}.items():
        shown.add_column(column, no_wrap=True, min_width=width)
    # Columns that may wrap give way first; the cells of this one are cut instead.
    shown.add_column("what it is")
    for name, about in expected.items():
        shown.add_row(*_row(name, about, watch.jobs.get(name), spinner))
    return shown


def _row(
    name: str, about: str, job: ImageJob | None, spinner: Spinner
) -> Sequence[Text | Spinner | str]:
    what = Text(about, "dim", no_wrap=True, overflow="ellipsis")
    if job is None:
        return "", Text(name, "dim"), "", "", what
    phase = job.status.phase
    style = PHASE_STYLES.get(phase, "dim")
    marks: Mapping[str, Text] = {
        "Succeeded": Text("\N{CHECK MARK}", "green"),
        "Failed": Text("\N{BALLOT X}", "yellow"),
    }
    reason = "" if job.reason == phase else job.reason
    return (
        marks.get(phase, spinner),
        name,
        Text(phase or "applied", style),
        Text(reason, style),
        what,
    )
