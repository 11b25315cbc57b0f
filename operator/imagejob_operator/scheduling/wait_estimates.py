"""What those who wait are told: when they go on, or that they may not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.quota.ledger import time_of
from imagejob_operator.quota.position import shown
from imagejob_operator.quota.rates import Policy, forecast, usage

from .namespace_state import NamespaceState, WaitEstimate
from .plan import AdmissionSnapshot

HELD = timedelta(seconds=2)
"""Nobody says when a worker that is stuck no longer counts as starting."""

AHEAD = 1000
"""How many more than wait a forecast is for, and as many again as wait."""

SOON = timedelta(milliseconds=100)
TICK = timedelta(milliseconds=1)


def estimate(snapshot: AdmissionSnapshot) -> WaitEstimate:
    """When those who wait go on, after all that could be admitted at once has been."""
    ledger, rates = snapshot.ledger, snapshot.policy.rates
    waiting = len(snapshot.state.throttled)
    tightest = usage(ledger.history, rates, ledger.now)[0].rate
    count = waiting + _room_for_more(snapshot.policy, waiting)
    return WaitEstimate(
        limit=f"{tightest.jobs} per {tightest.per}",
        slot=timedelta(milliseconds=tightest.slot),
        forecast=forecast(ledger.history, rates, ledger.now, count),
    )


def waiting_jobs(state: NamespaceState, cache: ClusterCache) -> Iterator[ImageJob]:
    """Those who wait for the quota, then those who wait for a worker."""
    for line in (state.throttled, state.queued):
        for uid in list(line):
            job = cache.jobs.get(uid)
            if job:
                yield job


def stale_jobs(
    state: NamespaceState, cache: ClusterCache, is_queued: Callable[[str], bool], now: datetime
) -> Iterator[ImageJob]:
    """Those whose status tells of a place or a time that is not true any more, or of none yet.

    One that `is_queued` is reconciled anyway as soon as its status can be written.
    """
    for job in waiting_jobs(state, cache):
        if is_queued(job.metadata.uid):
            continue
        quota, queue = state.quota_position(job), job.status.queue
        if not quota.position or shown(queue, quota.position, now, quota.slot) is not queue:
            yield job


def next_look(snapshot: AdmissionSnapshot, now: datetime) -> datetime | None:
    """When the first in line goes on, or a worker may have become stuck; None if nobody waits."""
    state, ledger = snapshot.state, snapshot.ledger
    times = [now + HELD] if state.queued else []
    if state.throttled:
        first = usage(ledger.history, snapshot.policy.rates, ledger.now)[0].next_available
        # At once is not possible while the ledger is full: soon, then.
        times.append(max(time_of(first * 1000), now + TICK) if first else now + SOON)
    return min(times, default=None)


def _room_for_more(policy: Policy, waiting: int) -> int:
    """For how many of those still to come a forecast is to hold.

    Who comes before the next look is then told his place by his first status, rather than by a
    second. Where somebody may be turned away, nobody is told a place before that is settled.
    """
    return waiting + AHEAD if policy.turns_nobody_away else 0
