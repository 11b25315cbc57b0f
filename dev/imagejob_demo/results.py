"""The table at the end: what came of each upload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from imagejob_demo.statuses import ImageJob, Output
from imagejob_demo.units import pixels, saving, size

WHOLE = "full"
"""The output that has all the pixels of its source, so that their weights can be compared."""


def table(
    jobs: Iterable[ImageJob],
    seconds: Mapping[str, float],
    complaints: Mapping[str, Sequence[str]],
) -> Table:
    """One row an ImageJob. `seconds`: from apply to finish. `complaints`: what the check found."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    shown.add_column("")
    shown.add_column("ImageJob", no_wrap=True)
    shown.add_column("reason", no_wrap=True)
    shown.add_column("before", no_wrap=True)
    shown.add_column("after")
    shown.add_column("saved", justify="right", no_wrap=True)
    shown.add_column("metadata removed")
    shown.add_column("time", justify="right", no_wrap=True)
    for job in jobs:
        shown.add_row(*_row(job, seconds.get(job.name), complaints.get(job.name, ())))
    return shown


def _row(job: ImageJob, seconds: float | None, complaints: Sequence[str]) -> tuple[Text | str, ...]:
    mark = Text("\N{BALLOT X}", "bold red") if complaints else Text("\N{CHECK MARK}", "green")
    time = "" if seconds is None else f"{seconds:.1f} s"
    if job.status.phase != "Succeeded":
        reason = Text(job.reason or job.status.phase or "none", "yellow")
        return mark, job.name, reason, before(job), job.message, "", "", time
    whole = {output.name: output for output in job.status.outputs}.get(WHOLE)
    return (
        mark,
        job.name,
        Text(job.reason, "green"),
        before(job),
        "\n".join(after(output) for output in reversed(job.status.outputs)),
        saving(job.status.source.bytes, whole.bytes) if whole else "",
        ", ".join(job.status.removed_metadata) or "none",
        time,
    )


def before(job: ImageJob) -> str:
    """The source as far as it is known."""
    source = job.status.source
    if not source.bytes:
        return "nothing"
    parts = [source.format] if source.format else []
    if source.width:
        parts.append(pixels(source.width, source.height))
    return f"{' '.join(parts)}\n{size(source.bytes)}".strip()


def after(output: Output) -> str:
    """One output: what, how large, how heavy."""
    return (
        f"{output.name} {output.format} {pixels(output.width, output.height)} {size(output.bytes)}"
    )
