"""Where an ImageJob stands: decided from its Situation by an ordered chain of checks.

Nothing here knows what has been written to the API server; lifecycle.py compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from imagejob_operator.api.imagejob import ImageJob, LastFailure, Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.destination import destination_of
from imagejob_operator.config.platform import Platform
from imagejob_operator.quota.position import shown, waits_for_quota, waits_for_worker

from . import retry
from .audit import CANCELLED
from .inputs import Situation, Standing
from .lost_worker import forsaken, vanished
from .outcome import backing_off, ended_without_report, reported, silent, worn_out
from .resolve import Held, Refused, resolve
from .worker_checks import underway


def stand(situation: Situation, platform: Platform, now: datetime) -> Standing:
    """The first check that has something to say decides."""
    for check in _CHECKS:
        standing = check(situation, platform, now)
        if standing:
            return standing
    raise AssertionError("the last check always answers")


def cancelled(situation: Situation, platform: Platform, now: datetime) -> Standing | None:
    """Somebody has deleted it, and only a finalizer keeps it. What had come of it by then stays."""
    job, worker = situation.job, situation.worker
    if not job.is_deleting:
        return None
    ended = reported(situation, platform, now)
    if ended and ended.is_finished:
        return ended
    item = worker.item(job.metadata.uid) if worker else None
    return Standing("Failed", Reason.CANCELLED, CANCELLED, item, worker)


def suspended(situation: Situation, _platform: Platform, _now: datetime) -> Standing | None:
    """Somebody asked it to wait. What it was charged stays charged."""
    if not situation.job.spec.suspend:
        return None
    return Standing("Pending", Reason.SUSPENDED, "spec.suspend is true")


def held(situation: Situation, platform: Platform, _now: datetime) -> Standing | None:
    """Something that it refers to is missing, or wrong."""
    match resolve(situation.job, situation.profile, situation.stores, platform):
        case Held(reason, message):
            return Standing("Pending", reason, message)
        case Refused(reason, message):
            return Standing("Failed", reason, message)
        case _:
            return None


def throttled(situation: Situation, _platform: Platform, now: datetime) -> Standing | None:
    """It has not been charged to the quota yet."""
    job, place = situation.job, situation.place
    if place.admitted_at:
        return None
    if place.excess:
        return Standing("Failed", Reason.QUOTA_EXCEEDED, place.excess)
    if not place.turn:
        message = "waits for the operator to look at the quota"
        return Standing("Pending", Reason.REQUESTED, message, wish="admission")
    queue = shown(job.status.queue, place.turn, now, place.slot)
    message = waits_for_quota(queue, place.limit)
    return Standing("Throttled", Reason.QUOTA_USED_UP, message, queue=queue, wish="admission")


def between_attempts(situation: Situation, platform: Platform, now: datetime) -> Standing | None:
    """Its last attempt failed a moment ago."""
    job, failure = situation.job, situation.job.status.last_failure
    if not failure or not failure.attempt or situation.place.dispatch:
        return None
    at = retry_at(job, failure, platform)
    if now >= at:
        return None
    reason, message = Reason(failure.reason), backing_off(job, failure, platform.bounds)
    return Standing("Queued", reason, message, queue=Queue(eligible_at=at), until=at)


def retry_at(job: ImageJob, failure: LastFailure, platform: Platform) -> datetime:
    """When the attempt after that failure may begin."""
    return failure.time + retry.delay(job.metadata.uid, failure.attempt, platform.backoff)


def refused(situation: Situation, _platform: Platform, now: datetime) -> Standing | None:
    """The API server wouldn't have its worker Job the last time. It stays said until one starts."""
    refusal = situation.refusal
    if not refusal:
        return None
    waits = now < refusal.until
    return Standing(
        "Queued",
        Reason.WORKER_REFUSED,
        refusal.message,
        wish=None if waits or situation.place.dispatch else "worker",
        until=refusal.until if waits else None,
    )


def dispatching(situation: Situation, _platform: Platform, _now: datetime) -> Standing | None:
    """The ledger says which worker it goes to; the Job is not there yet."""
    name = situation.place.dispatch
    if not name:
        return None
    return Standing("Queued", Reason.DISPATCHED, f"worker Job {name} is being created")


def busy(situation: Situation, _platform: Platform, now: datetime) -> Standing | None:
    """Another worker, or a pod that is no worker's any more, is not done with its destination."""
    stray = situation.stray(now)
    if not situation.rival and not stray:
        return None
    prefix = destination_of(situation.job).prefix
    rival = situation.rival and f"worker Job {situation.rival}"
    who = rival or (stray and f"pod {stray.metadata.name}")
    message = f"{who} still writes to {prefix}/"
    return Standing("Queued", Reason.DESTINATION_BUSY, message)


def in_line(situation: Situation, _platform: Platform, now: datetime) -> Standing:
    """Nothing is in its way but those before it."""
    turn = situation.place.turn
    if not turn:
        return Standing("Queued", Reason.WAITING_FOR_WORKER, "", wish="worker", is_passing=True)
    queue = shown(situation.job.status.queue, turn, now, situation.place.slot)
    message = waits_for_worker(queue)
    return Standing("Queued", Reason.WAITING_FOR_WORKER, message, queue=queue, wish="worker")


_CHECKS: tuple[Callable[[Situation, Platform, datetime], Standing | None], ...] = (
    cancelled,
    forsaken,
    reported,
    worn_out,
    silent,
    ended_without_report,
    underway,
    vanished,
    suspended,
    held,
    throttled,
    between_attempts,
    refused,
    dispatching,
    busy,
    in_line,
)
