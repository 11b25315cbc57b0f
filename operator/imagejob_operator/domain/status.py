"""The status of an ImageJob, written out whole from where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from . import report as reports
from .audit import KEPT_IN_STATUS
from .model import (
    AuditEntry,
    Condition,
    ImageJob,
    ImageJobStatus,
    OutputStatus,
    SourceStatus,
    WorkerStatus,
)
from .order import OrderItem
from .quantity import describe_bytes
from .reasons import Reason
from .standing import Standing

SUMMARY_NAMES = 64
"""Characters of a summary that the outputs' names may take."""


def describe(
    job: ImageJob, standing: Standing, entries: tuple[AuditEntry, ...], now: datetime
) -> ImageJobStatus:
    """What the status should say. `entries` are the transitions that it doesn't show yet.

    Equal to `job.status` exactly when there is nothing to write.
    """
    done = standing.outcome if isinstance(standing.outcome, reports.Done) else None
    item, old = standing.item, job.status
    pod = standing.worker.pod if standing.worker else None
    started = (pod.state.running or pod.state.terminated) if pod else None
    return ImageJobStatus(
        phase=standing.phase,
        observed_generation=job.metadata.generation,
        conditions=_conditions(job, standing, now),
        attempts=item.attempt if item else old.attempts,
        profile=item.profile if item else old.profile,
        worker=_worker(standing) or old.worker,
        source=_source(standing),
        outputs=_outputs(item, done) if item and done else (),
        output_summary=_summary(item, done) if item and done else None,
        removed_metadata=reports.Removed(done.removed).names() if done else (),
        notes=tuple(text for bit, text in reports.NOTES.items() if done and done.notes & bit),
        start_time=(started.started_at if started else None) or old.start_time,
        completion_time=(old.completion_time or _whole_second(now))
        if standing.is_finished
        else None,
        processing_millis=standing.outcome.millis if standing.outcome else None,
        audit=(*old.audit, *entries)[-KEPT_IN_STATUS:],
    )


def _worker(standing: Standing) -> WorkerStatus | None:
    if not standing.worker:
        return None
    pod = standing.worker.pod
    return WorkerStatus(
        job=standing.worker.job.metadata.name,
        pod=pod.metadata.name if pod else None,
        node=pod.spec.node_name if pod else None,
    )


def _source(standing: Standing) -> SourceStatus | None:
    facts = standing.outcome.source if standing.outcome else None
    if not facts:
        return None
    return SourceStatus(
        sha256=facts.sha256.hex() or None,
        bytes=facts.bytes or None,
        format=reports.SOURCE_FORMATS.get(facts.format),
        width=facts.width or None,
        height=facts.height or None,
        frames=facts.frames or None,
    )


def _outputs(item: OrderItem, done: reports.Done) -> tuple[OutputStatus, ...]:
    prefix = item.destination.prefix
    return tuple(
        OutputStatus(
            name=output.name,
            key=f"{prefix}/{output.name}.{reports.EXTENSIONS[written]}",
            format=written,
            width=made.width,
            height=made.height,
            bytes=made.bytes,
            sha256=made.sha256.hex(),
        )
        for output, made in zip(item.outputs, done.outputs, strict=True)
        for written in [reports.OUTPUT_FORMATS[made.format]]
    )


def _summary(item: OrderItem, done: reports.Done) -> str:
    """`thumb, full (214 KiB of 3.1 MiB)`: what `kubectl get` has room for."""
    names = ", ".join(output.name for output in item.outputs)
    written, read = sum(made.bytes for made in done.outputs), done.source.bytes
    return f"{_cut(names, SUMMARY_NAMES)} ({describe_bytes(written)} of {describe_bytes(read)})"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _conditions(job: ImageJob, standing: Standing, now: datetime) -> tuple[Condition, ...]:
    """As kstatus reads them: Reconciling is true while there is something to do."""
    succeeded, failed = standing.phase == "Succeeded", standing.phase == "Failed"
    truths = {
        "Admitted": standing.is_admitted,
        "Ready": succeeded,
        "Finished": standing.is_finished,
        "Reconciling": not standing.is_finished,
        "Stalled": failed,
    }
    known = {condition.type: condition for condition in job.status.conditions}
    return tuple(
        _condition(kind, truth, standing, job.metadata.generation, known.get(kind), now)
        for kind, truth in truths.items()
    )


def _condition(
    kind: str,
    truth: bool,  # noqa: FBT001 (a condition's truth is its content)
    standing: Standing,
    generation: int,
    known: Condition | None,
    now: datetime,
) -> Condition:
    status: Literal["True", "False"] = "True" if truth else "False"
    unchanged = known if known and known.status == status else None
    admitted = kind == "Admitted" and truth
    # The message is told by Ready, and by those whose truth it explains; five times is noise.
    tells = kind == "Ready" or truth != (kind == "Admitted")
    return Condition(
        type=kind,
        status=status,
        reason=(Reason.ADMITTED if admitted else standing.reason).value,
        message=standing.message if tells else "",
        last_transition_time=unchanged.last_transition_time if unchanged else _whole_second(now),
        observed_generation=generation,
    )


def _whole_second(time: datetime) -> datetime:
    """Kubernetes keeps whole seconds in a metav1.Time."""
    return time.replace(microsecond=0)
