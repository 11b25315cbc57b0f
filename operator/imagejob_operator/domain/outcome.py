"""How an attempt ended: by its report, or without one; and whether another follows."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import retry
from .bounds import Bounds, retries_of
from .model import ImageJob, LastFailure, Queue
from .order import OrderItem
from .platform import Platform
from .reasons import Reason
from .report import Done, Failed
from .situation import Situation, Standing
from .worker import Terminated, Worker

MAX_DISRUPTIONS = 10
"""Pods of one ImageJob that the cluster may take away before somebody should look at it."""

SILENCE = timedelta(seconds=60)
"""A pod so long past its deadline is on a node that nobody hears of; the kubelet ends others."""


def reported(situation: Situation, platform: Platform, now: datetime) -> Standing | None:
    """The worker has reported on it: that is how the attempt ended, whatever happened since."""
    worker, uid = situation.worker, situation.job.metadata.uid
    entry = worker.entry(uid) if worker else None
    item = worker.item(uid) if worker else None
    if not worker or not item:
        return None
    match entry:
        case Done():
            return _succeeded(item, worker, entry)
        case Failed():
            reason, message = Reason(entry.reason), entry.message
            return _failed(situation.job, worker, reason, message, platform, now, entry)
        case None:
            return None


def ended_without_report(
    situation: Situation, platform: Platform, now: datetime
) -> Standing | None:
    """The worker's pod ended, or its Job gave up, and there is no word on this ImageJob."""
    worker, job = situation.worker, situation.job
    if not worker or worker.is_live:
        return None
    if worker.pod and worker.pod.is_disrupted and not worker.job.ended:
        return _evicted(situation, worker, "the cluster took away its pod; a new one comes")
    ended = worker.pod.state.terminated if worker.pod else None
    if worker.pod and worker.pod.status.reason == "DeadlineExceeded":
        if not worker.pod.has_started:
            return _never_started(worker)
        message = "the worker pod ran past its deadline"
        return _failed(job, worker, Reason.TIMED_OUT, message, platform, now)
    if ended and ended.reason == "OOMKilled":
        message = "the kernel ended the worker pod for want of memory"
        return _failed(job, worker, Reason.OUT_OF_MEMORY, message, platform, now)
    message = f"the worker pod ended without a report: {_how(worker, ended)}"
    return _failed(job, worker, Reason.WORKER_LOST, message, platform, now)


def silent(situation: Situation, _platform: Platform, now: datetime) -> Standing | None:
    """The pod should have ended long ago: its node is gone, and takes no orders."""
    worker = situation.worker
    running = worker.pod.state.running if worker and worker.pod else None
    if not worker or not worker.pod or not running or not running.started_at:
        return None
    allowed = worker.pod.spec.active_deadline_seconds
    if allowed is None or now < running.started_at + timedelta(seconds=allowed) + SILENCE:
        return None
    message = f"nothing was heard of pod {worker.pod.metadata.name} since its deadline"
    return _evicted(situation, worker, message, worker_is_spent=True)


def worn_out(situation: Situation, _platform: Platform, _now: datetime) -> Standing | None:
    """The cluster has taken its pods away so often that somebody should look at it."""
    count = situation.disruptions
    if count <= MAX_DISRUPTIONS:
        return None
    message = f"the cluster took away its pods {count} times: evictions, drains or lost nodes"
    return Standing("Failed", Reason.WORKER_LOST, message, *_carried(situation))


def _carried(situation: Situation) -> tuple[OrderItem | None, Worker | None]:
    worker = situation.worker
    return (worker.item(situation.job.metadata.uid) if worker else None), worker


def _succeeded(item: OrderItem, worker: Worker, entry: Done) -> Standing:
    count = len(entry.outputs)
    where = f'{count} output{"s" if count != 1 else ""} in store "{item.destination.store}"'
    message = f"{where} under {item.destination.prefix}/"
    return Standing("Succeeded", Reason.SUCCEEDED, message, item, worker, entry)


def _evicted(
    situation: Situation, worker: Worker, message: str, *, worker_is_spent: bool = False
) -> Standing:
    item = worker.item(situation.job.metadata.uid)
    return Standing(
        "Queued", Reason.EVICTED, message, item, worker, worker_is_spent=worker_is_spent
    )


def _never_started(worker: Worker) -> Standing:
    """It costs no attempt: nothing has been tried."""
    message = "the worker pod's deadline came before it had started; it is replaced"
    reason = Reason.WORKER_REFUSED
    return Standing("Queued", reason, message, worker=worker, worker_is_spent=True)


def _failed(
    job: ImageJob,
    worker: Worker,
    reason: Reason,
    message: str,
    platform: Platform,
    now: datetime,
    entry: Failed | None = None,
) -> Standing:
    """One attempt has failed. It counts unless others were in the pod and nobody knows whose fault
    it was: those without a report go again, each alone, and then it will show."""
    item = worker.item(job.metadata.uid)
    attempt = item.attempt if item else 1
    ended = _ended_at(worker) or now
    name = worker.job.metadata.name
    if not entry and len(worker.job.items) > 1:
        failure = LastFailure(attempt - 1, reason.value, message, ended, name)
        return Standing("Queued", reason, message, item, worker, failure=failure)

    failure = LastFailure(attempt, reason.value, message, ended, name)
    was_large = _was_large(worker, platform)
    bounds = platform.bounds
    verdict = retry.verdict(job, reason, attempt, ended, was_large, platform.backoff, bounds)
    if not isinstance(verdict, retry.Retry):
        is_last = attempt > retries_of(job, bounds) > 0
        message = retry.exhausted(message, attempt) if is_last else message
        return Standing("Failed", reason, message, item, worker, entry, failure)
    return Standing(
        "Queued",
        reason,
        backing_off(job, failure, bounds),
        item,
        worker,
        entry,
        failure,
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
    ended = worker.pod.state.terminated if worker.pod else None
    return ended.finished_at if ended else None


def _how(worker: Worker, ended: Terminated | None) -> str:
    if ended:
        signal = ended.signal or max(ended.exit_code - 128, 0)
        return f"signal {signal}" if signal else f"exit code {ended.exit_code}"
    if worker.pod:
        return worker.pod.status.message or worker.pod.status.reason or "no container status"
    condition = worker.job.ended
    return condition.message or condition.reason if condition else "it has gone"
