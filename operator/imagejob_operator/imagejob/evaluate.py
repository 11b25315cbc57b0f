"""Evaluate the state of an ImageJob from its Inputs by an ordered chain of checks.

What to write to the API server is not decided here: decide.py compares the state with the status.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.destination import destination_of
from imagejob_operator.config.platform import Platform
from imagejob_operator.quota.position import (
    QueuePosition,
    fresh,
    stale_from,
    waits_for_quota,
    waits_for_worker,
)

from .audit import CANCELLED
from .delay_checks import between_attempts, between_workers, held
from .inputs import Inputs, JobState, Later, Verdict
from .lost_worker import forsaken, pod_unseen, vanished
from .outcome import ended_without_report, node_unreachable, reported
from .resolve import Held, Refused, Resolved, obstacle, resolve
from .worker_checks import worker_running


def evaluate(inputs: Inputs, platform: Platform, now: datetime) -> JobState:
    """Return the state of the first check that applies, and until when none of them changes.

    Nothing else compares with the time: checks get it only to record when they saw something.
    """
    changes: list[datetime] = []
    for check in CHECKS:
        verdict = check(inputs, platform, now)
        while isinstance(verdict, Later):
            if now < verdict.at:
                changes.append(verdict.at)
            verdict = verdict.before if now < verdict.at else verdict.after
        if verdict:
            return msgspec.structs.replace(verdict, until=min(changes, default=None))
    raise AssertionError("the last check always applies")


def ready_for_worker(inputs: Inputs, platform: Platform, now: datetime) -> Resolved | None:
    """Return the ImageJob's resolved spec if it may have a worker now, otherwise None.

    The status, the planner and the command line use the same checks, so none of them starts an
    ImageJob that another holds back.
    """
    if evaluate(inputs, platform, now).waits_for != "worker":
        return None
    return resolve(inputs.job, inputs.profile, inputs.stores, platform)


def cancelled(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """It was deleted, and only a finalizer keeps it. A result that it has by then stays."""
    job, worker = inputs.job, inputs.worker
    if not job.is_deleting:
        return None
    ended = reported(inputs, platform, now)
    if ended and ended.is_finished:
        return ended
    item = worker.item(job.metadata.uid) if worker else None
    return JobState("Failed", Reason.CANCELLED, CANCELLED, item, worker)


def suspended(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """spec.suspend is true. A charge remains."""
    if not inputs.job.spec.suspend:
        return None
    return held(inputs.job, Reason.SUSPENDED, "spec.suspend is true")


def inputs_unreadable(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """An object that it needs can't be read. It is neither missing nor as it was before."""
    if not inputs.unreadable:
        return None
    return held(inputs.job, Reason.UNREADABLE, str(inputs.unreadable))


def inputs_missing(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """An object that it references is missing or invalid."""
    match obstacle(inputs.job, inputs.profile, inputs.stores):
        case Held(reason, message):
            return held(inputs.job, reason, message)
        case Refused(reason, message):
            return JobState("Failed", reason, message)
        case None:
            return None


def throttled(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """It has not been charged to the quota yet."""
    quota = inputs.quota
    if quota.admitted_at:
        return None
    if quota.excess:
        return JobState("Failed", Reason.QUOTA_EXCEEDED, quota.excess)
    if not quota.position:
        return _not_evaluated(inputs)

    def waiting(queue: Queue) -> JobState:
        message = waits_for_quota(queue, quota.limit)
        reason = Reason.QUOTA_USED_UP
        return JobState("Throttled", reason, message, queue=queue, waits_for="admission")

    return _in_line(inputs, quota.position, waiting)


def _not_evaluated(inputs: Inputs) -> JobState:
    """Whether the quota admits it isn't known. A status that shows that it was throttled stays."""
    return JobState(
        "Pending",
        Reason.REQUESTED,
        "waits for the operator to evaluate the quota",
        waits_for="admission",
        is_transient=inputs.job.status.phase == "Throttled",
    )


def _in_line(
    inputs: Inputs, position: QueuePosition, waiting: Callable[[Queue], JobState]
) -> Verdict:
    """The position that its status shows, until that is stale, and the actual one from then on."""
    shown, renewed = inputs.job.status.queue, waiting(fresh(position))
    at = stale_from(shown, position, inputs.quota.slot) if shown else None
    if not shown:
        return renewed
    return Later(at, waiting(shown), renewed) if at else waiting(shown)


def refused(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """The API server rejected its last worker Job. The message stays until a worker starts."""
    refusal = inputs.refusal
    if not refusal:
        return None
    held = JobState("Queued", Reason.WORKER_REFUSED, refusal.message)
    if inputs.quota.dispatch:
        return held
    return Later(refusal.until, held, msgspec.structs.replace(held, waits_for="worker"))


def dispatching(inputs: Inputs, _platform: Platform, _now: datetime) -> JobState | None:
    """The ledger assigns it to a worker Job, which doesn't exist yet."""
    name = inputs.quota.dispatch
    if not name:
        return None
    return JobState("Queued", Reason.DISPATCHED, f"worker Job {name} is being created")


def destination_locked(inputs: Inputs, _platform: Platform, _now: datetime) -> JobState | None:
    """Another worker, or a pod without a worker, may still write to its destination."""
    stray = inputs.stray
    if not inputs.rival and not stray:
        return None
    prefix = destination_of(inputs.job).prefix
    rival = inputs.rival and f"worker Job {inputs.rival}"
    writer = rival or (stray and f"pod {stray.metadata.name}")
    message = f"{writer} still writes to {prefix}/"
    return JobState("Queued", Reason.DESTINATION_BUSY, message)


def waiting_for_worker(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """Only the ImageJobs before it in the queue hold it back."""
    position = inputs.quota.position
    if not position:
        return JobState(
            "Queued", Reason.WAITING_FOR_WORKER, "", waits_for="worker", is_transient=True
        )

    def waiting(queue: Queue) -> JobState:
        message, reason = waits_for_worker(queue), Reason.WAITING_FOR_WORKER
        return JobState("Queued", reason, message, queue=queue, waits_for="worker")

    return _in_line(inputs, position, waiting)


CHECKS: tuple[Callable[[Inputs, Platform, datetime], Verdict], ...] = (
    cancelled,
    forsaken,
    reported,
    node_unreachable,
    pod_unseen,
    ended_without_report,
    worker_running,
    vanished,
    suspended,
    inputs_unreadable,
    inputs_missing,
    throttled,
    between_attempts,
    between_workers,
    refused,
    dispatching,
    destination_locked,
    waiting_for_worker,
)
