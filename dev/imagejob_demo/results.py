"""The tables at the end: what came of the photos, and why the bad uploads failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from imagejob_demo.statuses import ImageJob, Output
from imagejob_demo.units import pixels, saving, size

WHOLE = "full"
"""The output that has all the pixels of its source, so that their weights can be compared."""

Complaints = Mapping[str, Sequence[str]]
"""What the check found, by ImageJob."""


def tables(
    photos: Sequence[ImageJob],
    bad: Sequence[ImageJob],
    seconds: Mapping[str, float],
    complaints: Complaints,
) -> Group:
    """Both. `seconds` are those from apply to finish."""
    return Group(_photos(photos, seconds, complaints), _bad(bad, seconds, complaints))


def _photos(
    jobs: Sequence[ImageJob], seconds: Mapping[str, float], complaints: Complaints
) -> Table:
    """A column for each output, the largest first; they fit into 90 characters."""
    names = [output.name for job in jobs for output in job.status.outputs]
    outputs = list(dict.fromkeys(reversed(names)))
    shown = _table("photo", "before", *outputs, "metadata removed", "time")
    for job in jobs:
        made = {output.name: output for output in job.status.outputs}
        shown.add_row(
            _mark(job, complaints),
            f"{job.name}\n[green]{job.reason}[/green]" if made else _failure(job),
            _before(job),
            *(_output(made[name], job) if name in made else "" for name in outputs),
            ", ".join(job.status.removed_metadata) or "none" if made else "",
            _time(job, seconds),
        )
    return shown


def _bad(jobs: Sequence[ImageJob], seconds: Mapping[str, float], complaints: Complaints) -> Table:
    shown = _table("bad upload", "before", "reason", "message", "time")
    for job in jobs:
        reason, message = Text(job.reason or job.status.phase, "yellow"), Text(job.message)
        mark, time = _mark(job, complaints), _time(job, seconds)
        shown.add_row(mark, job.name, _before(job), reason, message, time)
    return shown


def _table(*columns: str) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("")
    for column in columns[:-1]:
        shown.add_column(column, no_wrap=column in ("reason", columns[0]))
    shown.add_column(columns[-1], no_wrap=True, justify="right")
    return shown


def _mark(job: ImageJob, complaints: Complaints) -> Text:
    if complaints.get(job.name):
        return Text("\N{BALLOT X}", "bold red")
    return Text("\N{CHECK MARK}", "green")


def _failure(job: ImageJob) -> str:
    return f"{job.name}\n[red]{job.reason or job.status.phase}[/red]"


def _before(job: ImageJob) -> str:
    """The source as far as it is known."""
    source = job.status.source
    if not source.bytes:
        return "nothing"
    what = f"{source.format} {pixels(source.width, source.height)}\n" if source.width else ""
    return f"{what}{size(source.bytes)}"


def _output(output: Output, job: ImageJob) -> str:
    saved = f" {saving(job.status.source.bytes, output.bytes)}" if output.name == WHOLE else ""
    sides = pixels(output.width, output.height)
    return f"{output.format} {sides}\n{size(output.bytes)}{saved}"


def _time(job: ImageJob, seconds: Mapping[str, float]) -> str:
    return f"{seconds[job.name]:.1f} s" if job.name in seconds else ""
