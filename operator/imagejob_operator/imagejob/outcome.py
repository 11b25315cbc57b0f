"""The outcome of an attempt, with or without a report, and whether another follows."""

from __future__ import annotations

from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import ImageJob, LastFailure, Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.bounds import Bounds, retries_of
from imagejob_operator.config.platform import Platform
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.contract.report import Done, Failed, Needs, Read
from imagejob_operator.kube import pod_words
from imagejob_operator.kube.worker import Worker

from . import retry
from .inputs import Inputs, JobState
from .more_memory import larger_worker, refusal

MAX_DISRUPTIONS = 10
"""Workers of one ImageJob that may end at no cost, evicted or never started, before it fails, for a
person to look at."""


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
        case Needs():
            larger = larger_worker(item, worker, entry, platform)
            return larger or _reported_failure(
                inputs, worker, refusal(entry, platform), platform, now
            )
        case Failed():
            return _reported_failure(inputs, worker, entry, platform, now)


def _reported_failure(
    inputs: Inputs, worker: Worker, entry: Failed, platform: Platform, now: datetime
) -> JobState:
    return _failed(inputs.job, worker, Reason(entry.reason), entry.message, platform, now, entry)


def ended_without_report(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The worker's pod ended, or its Job failed, without a report on this ImageJob."""
    worker, job = inputs.worker, inputs.job
    if not worker or worker.is_live or worker.is_judged_later:
        return None
    if worker.is_excused:
        return _evicted(job, worker, _why_removed(worker), platform, now)
    if worker.never_ran:
        why, ended = _why_it_never_ran(worker), _rejected_at(worker, now)
        return never_ran(job, worker, why, platform, ended)
    reason, message = _how_it_was_lost(worker)
    return _failed(job, worker, reason, message, platform, now)


def _how_it_was_lost(worker: Worker) -> tuple[Reason, str]:
    """Return the reason, and the words, for a pod that ran and left no report."""
    last = worker.last
    ended, overrun = (last.state.terminated, pod_words.overrun(last)) if last else (None, None)
    if last and last.status.reason == "DeadlineExceeded":
        return Reason.TIMED_OUT, "the worker pod ran past its deadline"
    if ended and ended.reason == "OOMKilled":
        return Reason.OUT_OF_MEMORY, "the kernel killed the worker pod: it ran out of memory"
    if overrun:
        return Reason.OUT_OF_SCRATCH, f"the kubelet evicted the worker pod: {overrun}"
    return Reason.WORKER_LOST, f"the worker pod ended without a report: {_how(worker)}"


def node_unreachable(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The pod was given up: it is long past its deadline, and its node is lost."""
    worker = inputs.worker
    if not worker or not worker.pod or not worker.pod.is_given_up:
        return None
    since = "" if worker.never_ran else " since its deadline"
    message = f"no update from pod {worker.pod.metadata.name}{since}"
    return _evicted(inputs.job, worker, message, platform, now)


def _succeeded(item: OrderItem, worker: Worker, entry: Done) -> JobState:
    count = len(entry.outputs)
    where = f'{count} output{"s" if count != 1 else ""} in store "{item.destination.store}"'
    message = f"{where} under {item.destination.prefix}/"
    return JobState("Succeeded", Reason.SUCCEEDED, message, item, worker, entry)


def _evicted(
    job: ImageJob, worker: Worker, message: str, platform: Platform, now: datetime
) -> JobState:
    """The cluster, or a lost node, took its pod away."""
    if worker.never_ran:
        at = _next_start(job, worker, platform, _rejected_at(worker, now))
        return _at_no_cost(job, worker, Reason.EVICTED, f"{message} before it started", at)
    return _at_no_cost(job, worker, Reason.EVICTED, message)


def never_ran(
    job: ImageJob, worker: Worker, message: str, platform: Platform, ended: datetime
) -> JobState:
    """A worker that processed nothing costs no attempt. Another follows after a delay: what kept
    this one from running may last."""
    at = _next_start(job, worker, platform, ended)
    return _at_no_cost(job, worker, Reason.WORKER_REFUSED, message, at)


def _next_start(job: ImageJob, worker: Worker, platform: Platform, ended: datetime) -> datetime:
    """When the worker may start that follows one that never ran."""
    return ended + retry.delay(job.metadata.uid, _disruptions(job, worker), platform.backoff)


def _at_no_cost(
    job: ImageJob, worker: Worker, reason: Reason, message: str, at: datetime | None = None
) -> JobState:
    """The next worker, from `at` on, processes what this one did not finish. A source that it had
    read must be the same then. The count marks this worker as handled."""
    uid = job.metadata.uid
    item, said, count = worker.item(uid), worker.said(uid), _disruptions(job, worker)
    if count > MAX_DISRUPTIONS:
        message = f"{count} workers were evicted or never started, the last one: {message}"
        state = JobState("Failed", Reason.WORKER_LOST, message, item, worker)
    else:
        message, queue = f"{message}; another worker follows", Queue(eligible_at=at) if at else None
        state = JobState("Queued", reason, message, item, worker, queue=queue)
    read = said if isinstance(said, Read) else None
    return msgspec.structs.replace(state, read=read, disruptions=count)


def _disruptions(job: ImageJob, worker: Worker) -> int:
    """Return how many of its workers have ended at no cost, with this one."""
    item = worker.item(job.metadata.uid)
    return (item.disruptions if item else 0) + 1


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
    unknown, so the attempt counts, unless its files were more than the pod may have."""
    uid, name = job.metadata.uid, worker.job.metadata.name
    item, said = worker.item(uid), worker.said(uid)
    attempt, ended = item.attempt if item else 1, worker.ended_at or now
    read = said if isinstance(said, Read) else None
    is_known = said is None or read is not None or reason is Reason.OUT_OF_SCRATCH
    is_free = not entry and len(worker.job.items) > 1 and is_known
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
    at = retry.next_attempt(job, reason, attempt, failure.time, was_large, backoff, bounds)
    if at is None:
        is_last = attempt > retries_of(job, bounds) > 0
        message = retry.exhausted(message, attempt) if is_last else message
        return JobState("Failed", reason, message, failure=failure)
    return JobState(
        "Queued",
        reason,
        backing_off(job, failure, bounds),
        failure=failure,
        queue=Queue(eligible_at=at),
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


def _rejected_at(worker: Worker, now: datetime) -> datetime:
    """Return when a worker that never ran was over. If nothing says so, its pod was created near
    its end, as where the kubelet rejected it."""
    created = worker.last.metadata.creation_timestamp if worker.last else None
    return worker.ended_at or created or now


def _why_removed(worker: Worker) -> str:
    words = pod_words.why_removed(worker.last) if worker.last else ""
    return f"the cluster removed its pod{': ' if words else ''}{words}"


def _why_it_never_ran(worker: Worker) -> str:
    words = pod_words.why_it_never_ran(worker.last) if worker.last else ""
    name = worker.last.metadata.name if worker.last else ""
    if not words and not worker.pod:
        return f"pod {name} was deleted before it started"
    return f"pod {name} never ran: {words or 'the cluster does not say why'}"


def _how(worker: Worker) -> str:
    last = worker.last
    if last and (last.state.terminated or worker.pod):
        return pod_words.how_it_ended(last)
    if last:
        return f"pod {last.metadata.name} has been deleted"
    condition = worker.job.ended
    return condition.message or condition.reason if condition else "it is gone"
