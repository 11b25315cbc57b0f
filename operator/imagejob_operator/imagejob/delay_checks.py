"""Checks of the delay before the next worker: of a retry, or after a worker that never ran."""

from __future__ import annotations

from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import ImageJob, LastFailure, Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform

from . import retry
from .inputs import Inputs, JobState, Later, Verdict
from .outcome import backing_off

NEVER_RAN = (Reason.WORKER_REFUSED, Reason.EVICTED)
"""Reasons of an ImageJob whose last worker may never have run."""


def between_attempts(inputs: Inputs, platform: Platform, _now: datetime) -> Verdict:
    """Its last attempt failed, and the delay before the next has not passed."""
    job, failure = inputs.job, inputs.job.status.last_failure
    if not failure or not failure.attempt or inputs.quota.dispatch:
        return None
    at = retry_at(job, failure, platform)
    reason, message = Reason(failure.reason), backing_off(job, failure, platform.bounds)
    return Later(at, JobState("Queued", reason, message, queue=Queue(eligible_at=at)), None)


def retry_at(job: ImageJob, failure: LastFailure, platform: Platform) -> datetime:
    """When the next attempt after this failure may start."""
    return failure.time + retry.delay(job.metadata.uid, failure.attempt, platform.backoff)


def between_workers(inputs: Inputs, _platform: Platform, _now: datetime) -> Verdict:
    """Its last worker never ran, and the delay before the next has not passed."""
    at, why = _delayed_until(inputs.job), _why_it_never_ran(inputs.job)
    if not at or not why or inputs.quota.dispatch:
        return None
    reason, message = why
    return Later(at, JobState("Queued", reason, message, queue=Queue(eligible_at=at)), None)


def held(job: ImageJob, reason: Reason, message: str) -> Verdict:
    """Something else holds it: it is suspended, or what it needs is missing.

    The delay before its next worker goes on meanwhile. Only the status records it, so it stays
    there.
    """
    state, at = JobState("Pending", reason, message), _delayed_until(job)
    if not at:
        return state
    return Later(at, msgspec.structs.replace(state, queue=Queue(eligible_at=at)), state)


def _delayed_until(job: ImageJob) -> datetime | None:
    """Until when, by its status, its next worker is delayed.

    Where it waits in a queue, the status has its position, too.
    """
    queue = job.status.queue
    return queue.eligible_at if queue and queue.position is None else None


def _why_it_never_ran(job: ImageJob) -> tuple[Reason, str] | None:
    """What its status says of the last worker, or said before something else held it."""
    ready = job.ready
    if ready and ready.reason in NEVER_RAN:
        return Reason(ready.reason), ready.message
    if job.status.phase != "Pending":
        return None
    earlier = (each for each in reversed(job.status.audit) if each.reason in NEVER_RAN)
    entry = next(earlier, None)
    if not entry:
        return Reason.WORKER_REFUSED, "its last worker never ran; another worker follows"
    return Reason(entry.reason), entry.message
