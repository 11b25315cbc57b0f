"""Build the complete status of an ImageJob from its state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from imagejob_operator.api.imagejob import (
    AuditEntry,
    ImageJobStatus,
    OutputStatus,
    SourceStatus,
    StoreStatus,
    WorkerStatus,
)
from imagejob_operator.api.meta import Condition
from imagejob_operator.api.quantity import describe_bytes
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract import report as reports
from imagejob_operator.contract.order import OrderItem

from .audit import KEPT_IN_STATUS
from .inputs import Inputs, JobState
from .store_status import stores_of

SUMMARY_NAMES = 64
"""The maximum of characters for the outputs' names in a summary."""


def describe(
    inputs: Inputs,
    state: JobState,
    entries: tuple[AuditEntry, ...],
    now: datetime,
    notes: tuple[str, ...] = (),
    on_behalf_of: str | None = None,
) -> ImageJobStatus:
    """Build the status. `entries` are the audit entries that it doesn't show yet, `notes` come in
    addition to those of its worker, `on_behalf_of` is for whom a gateway created it.

    It equals `job.status` exactly if there is nothing to write.
    """
    done = state.outcome if isinstance(state.outcome, reports.Done) else None
    job, item, old = inputs.job, state.item, inputs.job.status
    return ImageJobStatus(
        phase=state.phase,
        observed_generation=job.metadata.generation,
        conditions=_conditions(inputs, state, now),
        queue=state.queue,
        attempts=_attempts(state, old),
        disruptions=state.disruptions or old.disruptions,
        memory_bytes=state.memory_bytes or old.memory_bytes,
        last_failure=state.failure or old.last_failure,
        profile=item.profile if item else old.profile,
        stores=_stores(state) or old.stores,
        worker=_worker(state, old),
        source=_source(state, old),
        outputs=_outputs(item, done) if item and done else (),
        output_summary=_summary(item, done) if item and done else None,
        removed_metadata=reports.Removed(done.removed).names() if done else (),
        notes=(*notes, *_noted(done)),
        on_behalf_of=on_behalf_of,
        start_time=_started_at(state) or old.start_time,
        completion_time=(old.completion_time or _whole_second(now)) if state.is_finished else None,
        processing_millis=state.outcome.millis if state.outcome and state.is_finished else None,
        audit=(*old.audit, *entries)[-KEPT_IN_STATUS:],
    )


def _attempts(state: JobState, old: ImageJobStatus) -> int | None:
    """Count started attempts. A pod that never ran, as without its image, is none."""
    pod = state.worker.pod if state.worker else None
    begun = state.item.attempt if state.item and pod and pod.has_begun else 0
    if state.failure:
        begun = state.failure.attempt
    return max(begun, old.attempts or 0) or None


def _started_at(state: JobState) -> datetime | None:
    pod = state.worker.pod if state.worker else None
    begun = (pod.state.running or pod.state.terminated) if pod and pod.has_begun else None
    return begun.started_at if begun else None


def _worker(state: JobState, old: ImageJobStatus) -> WorkerStatus | None:
    """None while a worker is being created: the previous one must not be mistaken for it."""
    if not state.worker:
        return None if state.reason == Reason.DISPATCHED else old.worker
    pod = state.worker.pod
    return WorkerStatus(
        job=state.worker.job.metadata.name,
        pod=pod.metadata.name if pod else None,
        node=pod.spec.node_name if pod else None,
    )


def _stores(state: JobState) -> tuple[StoreStatus, ...]:
    if not state.worker or not state.item:
        return ()
    return stores_of(state.worker.job, state.item)


def _source(state: JobState, old: ImageJobStatus) -> SourceStatus | None:
    """The digest that the first attempt has read stays for all later ones."""
    report = state.outcome or state.read
    if not report or not report.source:
        return old.source
    facts = report.source
    return SourceStatus(
        sha256=(old.source and old.source.sha256) or facts.sha256.hex() or None,
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


def _noted(done: reports.Done | None) -> Iterable[str]:
    return (text for bit, text in reports.NOTES.items() if done and done.notes & bit)


def _summary(item: OrderItem, done: reports.Done) -> str:
    """Format `thumb, full (214 KiB of 3.1 MiB)`, short enough for `kubectl get`."""
    names = ", ".join(output.name for output in item.outputs)
    written, read = sum(made.bytes for made in done.outputs), done.source.bytes
    return f"{_cut(names, SUMMARY_NAMES)} ({describe_bytes(written)} of {describe_bytes(read)})"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _conditions(inputs: Inputs, state: JobState, now: datetime) -> tuple[Condition, ...]:
    """Build the conditions as kstatus reads them: Reconciling is true until it has finished."""
    job, charged = inputs.job, inputs.quota.admitted_at
    succeeded, failed = state.phase == "Succeeded", state.phase == "Failed"
    truths = {
        "Admitted": charged is not None or job.is_admitted,
        "Ready": succeeded,
        "Finished": state.is_finished,
        "Reconciling": not state.is_finished,
        "Stalled": failed,
    }
    known = {condition.type: condition for condition in job.status.conditions}
    generation = job.metadata.generation
    since = {"Admitted": charged or now}
    return tuple(
        _condition(kind, truth, state, generation, known.get(kind), since.get(kind, now))
        for kind, truth in truths.items()
    )


def _condition(
    kind: str,
    truth: bool,  # noqa: FBT001 (a condition's truth is its content)
    state: JobState,
    generation: int,
    known: Condition | None,
    since: datetime,
) -> Condition:
    status: Literal["True", "False"] = "True" if truth else "False"
    unchanged = known if known and known.status == status else None
    admitted = kind == "Admitted" and truth
    # Only Ready and the conditions that the message explains have it: five copies are noise.
    has_message = kind == "Ready" or truth != (kind == "Admitted")
    return Condition(
        type=kind,
        status=status,
        reason=(Reason.ADMITTED if admitted else state.reason).value,
        message=state.message if has_message else "",
        last_transition_time=unchanged.last_transition_time if unchanged else _whole_second(since),
        observed_generation=generation,
    )


def _whole_second(time: datetime) -> datetime:
    """Kubernetes keeps whole seconds in a metav1.Time."""
    return time.replace(microsecond=0)
