"""Formats an outcome as a line or a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_operator.api.quantity import describe_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus

    from .local import Outcome


def reason(status: ImageJobStatus) -> str:
    return _ready(status)[0]


def message(status: ImageJobStatus) -> str:
    return _ready(status)[1]


def printable(line: str) -> str:
    """Return the line without control characters."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)


def name(job: ImageJob, *, with_namespace: bool) -> str:
    meta = job.metadata
    return f"{meta.namespace}/{meta.name}" if with_namespace else meta.name


def many_namespaces(jobs: Iterable[ImageJob]) -> bool:
    """Whether a name alone is ambiguous."""
    return len({job.metadata.namespace for job in jobs}) > 1


def sizes(status: ImageJobStatus) -> str:
    """Format `3.1 MiB → 214 KiB`, as far as it is known."""
    read = status.source.bytes if status.source else None
    parts = [describe_bytes(read)] if read else []
    if status.outputs:
        parts.append(describe_bytes(_written(status)))
    return " → ".join(parts)


def saved(status: ImageJobStatus) -> str:
    """Format how much smaller all outputs together are than the source: `93 %`; negative if
    larger."""
    read = status.source.bytes if status.source else None
    if not read or not status.outputs:
        return ""
    return f"{100 * (1 - _written(status) / read):.0f} %"


def seconds(status: ImageJobStatus) -> str:
    millis = status.processing_millis
    return "" if millis is None else f"{millis / 1000:.1f} s"


def remark(status: ImageJobStatus) -> str:
    """Return what a table has no room for: why it failed, or notes."""
    if status.phase == "Succeeded":
        return "; ".join(status.notes)
    return message(status)


def line(outcome: Outcome) -> str:
    """Format everything: `Succeeded: thumb, full (214 KiB of 3.1 MiB) in 0.4 s`."""
    status = outcome.status
    if status.phase == "Succeeded":
        return f"Succeeded: {status.output_summary} in {seconds(status)}"
    return f"{status.phase}: {reason(status)}: {message(status)}"


def _written(status: ImageJobStatus) -> int:
    return sum(output.bytes for output in status.outputs)


def _ready(status: ImageJobStatus) -> tuple[str, str]:
    """Return reason and message of the condition that always explains the state."""
    for condition in status.conditions:
        if condition.type == "Ready":
            return condition.reason, condition.message
    return "", ""
