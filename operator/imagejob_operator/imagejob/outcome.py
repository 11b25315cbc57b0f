"""How an attempt ended: by its report, or without one; and whether another follows."""

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
"""Pods of one ImageJob that the cluster may take away before somebody should look at it."""


def reported(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The worker has reported on it: that is how the attempt ended, whatever happened since."""
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
    """The worker's pod ended, or its Job gave up, and there is no word on this ImageJob."""
    worker, job = inputs.worker, inputs.job
    if not worker or worker.is_live or worker.is_judged_later:
        return None
    if worker.is_excused:
        return _evicted(job, worker, "the cluster took away its pod")
    last = worker.last
    if last and last.status.reason == "DeadlineExceeded":
        if not last.has_started:
            return _replaced(worker, Reason.WORKER_REFUSED, "the worker pod's deadline came")
        message = "the worker pod ran past its deadline"
        return _failed(job, worker, Reason.TIMED_OUT, message, platform, now)
    if worker.never_ran and not worker.pod:
        return _replaced(worker, Reason.WORKER_REFUSED, "the worker pod was deleted")
    ended = last.state.terminated if last else None
    if ended and ended.reason == "OOMKilled":
        message = "the kernel ended the worker pod for want of memory"
        return _failed(job, worker, Reason.OUT_OF_MEMORY, message, platform, now)
    message = f"the worker pod ended without a report: {_how(worker, ended)}"
    return _failed(job, worker, Reason.WORKER_LOST, message, platform, now)


def node_unreachable(inputs: Inputs, _platform: Platform, now: datetime) -> JobState | None:
    """The pod should have ended long ago: its node is gone, and takes no orders."""
    worker = inputs.worker
    if not worker or not worker.pod or not worker.pod.is_silent(now):
        return None
    message = f"nothing was heard of pod {worker.pod.metadata.name} since its deadline"
    return _evicted(inputs.job, worker, message)


def _succeeded(item: OrderItem, worker: Worker, entry: Done) -> JobState:
    count = len(entry.outputs)
    where = f'{count} output{"s" if count != 1 else ""} in store "{item.destination.store}"'
    message = f"{where} under {item.destination.prefix}/"
    return JobState("Succeeded", Reason.SUCCEEDED, message, item, worker, entry)


def _evicted(job: ImageJob, worker: Worker, message: str) -> JobState:
    """It costs no attempt. What its worker had not come to the end of, the next one does; what that
    had read, is to be the same. That it is counted tells that this worker is done with."""
    if worker.never_ran:
        return _replaced(worker, Reason.EVICTED, message)
    uid = job.metadata.uid
    item, said = worker.item(uid), worker.said(uid)
    lost = (item.disruptions if item else 0) + 1
    if lost > MAX_DISRUPTIONS:
        message = f"the cluster took away its pods {lost} times: evictions, drains or lost nodes"
        state = JobState("Failed", Reason.WORKER_LOST, message, item, worker)
    else:
        message = f"{message}; another worker comes"
        state = JobState("Queued", Reason.EVICTED, message, item, worker)
    read = said if isinstance(said, Read) else None
    return msgspec.structs.replace(state, read=read, disruptions=lost)


def _replaced(worker: Worker, reason: Reason, what: str) -> JobState:
    """It costs no attempt: nothing has been tried."""
    message = f"{what} before it had started; it is replaced"
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
    """One attempt has failed. It counts unless others were in the pod and its report says that it
    has come to no end of this one: that goes again alone, and then it will show whose fault it was.
    What had not been read by then may be read; what had been, is to be the same. Of a pod without a
    report nobody knows what it has read."""
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
    """One attempt is over: another follows, or none."""
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
        until=verdict.at,
    )


def backing_off(job: ImageJob, failure: LastFailure, bounds: Bounds) -> str:
    """Why an attempt failed, and that another follows, whatever may be less by now."""
    how = " with more memory" if failure.reason == Reason.OUT_OF_MEMORY else ""
    most = max(failure.attempt, retries_of(job, bounds)) + 1
    which = f"attempt {failure.attempt} of {most}"
    return f"{which} failed: {failure.message}; it is tried again{how}"


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
    return condition.message or condition.reason if condition else "it has gone"
