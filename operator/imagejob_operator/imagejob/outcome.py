"""The outcome of an attempt, with or without a report, and whether another follows."""

from __future__ import annotations

from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import ImageJob, LastFailure, Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.bounds import Bounds, retries_of
from imagejob_operator.config.platform import Platform
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.contract.report import Done, Failed, Read
from imagejob_operator.kube.pod import Terminated
from imagejob_operator.kube.worker import Worker

from . import retry
from .inputs import Inputs, JobState

MAX_DISRUPTIONS = 10
"""Pods of one ImageJob that may be disrupted before it fails, for a person to look at."""


def reported(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The worker's report has an entry for it, which decides, whatever happened since."""
    worker, uid = inputs.worker, inputs.job.metadata.uid
    entry = worker.entry(uid) if worker else None
    item = worker.item(uid) if worker else None
    if not worker or not item or not entry:
        return None
    match entry:
        case Done():
            return _succeeded(item, worker, entry)
        case Failed():
            reason, message = Reason(entry.reason), entry.message
            return _failed(inputs.job, worker, reason, message, platform, now, entry)


def ended_without_report(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The worker's pod ended, or its Job failed, without a report on this ImageJob."""
    worker, job = inputs.worker, inputs.job
    if not worker or worker.is_live or worker.is_judged_later:
        return None
    if worker.is_excused:
        return _evicted(job, worker, "the cluster removed its pod")
    last = worker.last
    if last and last.status.reason == "DeadlineExceeded":
        if not last.has_started:
            return _replaced(worker, Reason.WORKER_REFUSED, "the worker pod's deadline passed")
        message = "the worker pod ran past its deadline"
        return _failed(job, worker, Reason.TIMED_OUT, message, platform, now)
    if worker.never_ran and not worker.pod:
        return _replaced(worker, Reason.WORKER_REFUSED, "the worker pod was deleted")
    ended = last.state.terminated if last else None
    if ended and ended.reason == "OOMKilled":
        message = "the kernel killed the worker pod: it ran out of memory"
        return _failed(job, worker, Reason.OUT_OF_MEMORY, message, platform, now)
    message = f"the worker pod ended without a report: {_how(worker, ended)}"
    return _failed(job, worker, Reason.WORKER_LOST, message, platform, now)


def node_unreachable(inputs: Inputs, _platform: Platform, _now: datetime) -> JobState | None:
    """The pod was given up: it is long past its deadline, and its node is lost."""
    worker = inputs.worker
    if not worker or not worker.pod or not worker.pod.is_given_up:
        return None
    since = "" if worker.never_ran else " since its deadline"
    return _evicted(inputs.job, worker, f"no update from pod {worker.pod.metadata.name}{since}")


def _succeeded(item: OrderItem, worker: Worker, entry: Done) -> JobState:
    count = len(entry.outputs)
    where = f'{count} output{"s" if count != 1 else ""} in store "{item.destination.store}"'
    message = f"{where} under {item.destination.prefix}/"
    return JobState("Succeeded", Reason.SUCCEEDED, message, item, worker, entry)


def _evicted(job: ImageJob, worker: Worker, message: str) -> JobState:
    """A disruption costs no attempt: the next worker processes what this one did not finish. A
    source that it had read must be the same then. The count marks this worker as handled."""
    if worker.never_ran:
        return _replaced(worker, Reason.EVICTED, message)
    uid = job.metadata.uid
    item, said = worker.item(uid), worker.said(uid)
    lost = (item.disruptions if item else 0) + 1
    if lost > MAX_DISRUPTIONS:
        message = f"the cluster removed its pods {lost} times: evictions, drains or lost nodes"
        state = JobState("Failed", Reason.WORKER_LOST, message, item, worker)
    else:
        message = f"{message}; another worker follows"
        state = JobState("Queued", Reason.EVICTED, message, item, worker)
    read = said if isinstance(said, Read) else None
    return msgspec.structs.replace(state, read=read, disruptions=lost)


def _replaced(worker: Worker, reason: Reason, what: str) -> JobState:
    """Replace a worker that never ran, which costs no attempt."""
    message = f"{what} before it started; it is replaced"
    return JobState("Queued", reason, message, worker=worker, worker_is_spent=True)


def _failed(
    job: ImageJob,
    worker: Worker,
    reason: Reason,
    message: str,
    platform: Platform,
    now: datetime,
    entry: Failed | None = None,
) -> JobState:
    """One attempt has failed. It counts, unless the pod had other items and its report shows this
    one as unfinished: then it is retried alone, which shows whether it was the cause. A source that
    was read must be the same then; one that was not may differ. Without a report, what was read is
    unknown, so the attempt counts."""
    uid, name = job.metadata.uid, worker.job.metadata.name
    item, said = worker.item(uid), worker.said(uid)
    attempt, ended = item.attempt if item else 1, _ended_at(worker) or now
    read = said if isinstance(said, Read) else None
    is_free = not entry and len(worker.job.items) > 1 and (said is None or read is not None)
    if is_free:
        failure = LastFailure(attempt - 1, reason.value, message, ended, name)
        return JobState("Queued", reason, message, item, worker, read=read, failure=failure)

    failure = LastFailure(attempt, reason.value, message, ended, name)
    state = attempt_lost(job, failure, platform, was_large=_was_large(worker, platform))
    return msgspec.structs.replace(state, item=item, worker=worker, outcome=entry, read=read)


def attempt_lost(
    job: ImageJob, failure: LastFailure, platform: Platform, *, was_large: bool = False
) -> JobState:
    """One attempt has failed: decide whether another follows."""
    reason, attempt, message = Reason(failure.reason), failure.attempt, failure.message
    backoff, bounds = platform.backoff, platform.bounds
    verdict = retry.verdict(job, reason, attempt, failure.time, was_large, backoff, bounds)
    if not isinstance(verdict, retry.Retry):
        is_last = attempt > retries_of(job, bounds) > 0
        message = retry.exhausted(message, attempt) if is_last else message
        return JobState("Failed", reason, message, failure=failure)
    return JobState(
        "Queued",
        reason,
        backing_off(job, failure, bounds),
        failure=failure,
        queue=Queue(eligible_at=verdict.at),
    )


def backing_off(job: ImageJob, failure: LastFailure, bounds: Bounds) -> str:
    """Format why an attempt failed, and that it is retried, even if `retries` was lowered since."""
    how = " with more memory" if failure.reason == Reason.OUT_OF_MEMORY else ""
    total = max(failure.attempt, retries_of(job, bounds)) + 1
    which = f"attempt {failure.attempt} of {total}"
    return f"{which} failed: {failure.message}; it will be retried{how}"


def _was_large(worker: Worker, platform: Platform) -> bool:
    order = worker.job.order
    return order is not None and order.child_memory_bytes >= platform.large_memory.child_bytes


def _ended_at(worker: Worker) -> datetime | None:
    ended = worker.last.state.terminated if worker.last else None
    return ended.finished_at if ended else None


def _how(worker: Worker, ended: Terminated | None) -> str:
    if ended:
        signal = ended.signal or max(ended.exit_code - 128, 0)
        return f"signal {signal}" if signal else f"exit code {ended.exit_code}"
    if worker.last and worker.last is not worker.pod:
        return f"pod {worker.last.metadata.name} has been deleted"
    if worker.pod:
        return worker.pod.status.message or worker.pod.status.reason or "no container status"
    condition = worker.job.ended
    return condition.message or condition.reason if condition else "it is gone"
