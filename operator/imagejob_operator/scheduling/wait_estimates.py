"""Estimate when waiting ImageJobs continue, and find those whose status is out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.quota.ledger import time_of
from imagejob_operator.quota.position import stale_from
from imagejob_operator.quota.rates import Policy, admissible, forecast, usage

from .admission_snapshot import AdmissionSnapshot
from .namespace_state import NamespaceState, WaitEstimate

HELD = timedelta(seconds=2)
"""The interval of checks while ImageJobs are queued: no event reports that a worker is stuck."""

AHEAD = 1000
"""A forecast covers twice the number that waits, and this many more."""

SOON = timedelta(milliseconds=100)
TICK = timedelta(milliseconds=1)


def estimate(snapshot: AdmissionSnapshot) -> WaitEstimate:
    """Estimate when waiting ImageJobs continue, after all possible admissions were made."""
    ledger, rates = snapshot.ledger, snapshot.policy.rates
    waiting = len(snapshot.state.throttled)
    tightest = usage(ledger.history, rates, ledger.now)[0].rate
    count = waiting + _room_for_more(snapshot.policy, waiting)
    return WaitEstimate(
        limit=f"{tightest.jobs} per {tightest.per}",
        slot=timedelta(milliseconds=tightest.slot),
        at_once=admissible(ledger.history, rates, ledger.now, count),
        forecast=forecast(ledger.history, rates, ledger.now, count),
    )


def waiting_jobs(state: NamespaceState, cache: ClusterCache) -> Iterator[ImageJob]:
    """Yield the ImageJobs that wait for the quota, then those that wait for a worker."""
    for queue in (state.throttled, state.queued):
        for uid in list(queue):
            job = cache.jobs.get(uid)
            if job:
                yield job


def stale_jobs(
    state: NamespaceState, cache: ClusterCache, is_queued: Callable[[str], bool], now: datetime
) -> Iterator[ImageJob]:
    """Yield waiting ImageJobs whose status shows a stale position or time, or none yet.

    Without a position there is nothing to show: the quota admits it. An ImageJob that `is_queued`
    is reconciled anyway as soon as its status can be written.
    """
    for job in waiting_jobs(state, cache):
        if is_queued(job.metadata.uid):
            continue
        quota, queue = state.quota_position(job), job.status.queue
        if not quota.position:
            continue
        stale = stale_from(queue, quota.position, quota.slot) if queue else now
        if stale and stale <= now:
            yield job


def next_look(snapshot: AdmissionSnapshot, now: datetime) -> datetime | None:
    """When the first in the queue continues, or a worker may be stuck; None if none waits."""
    state, ledger = snapshot.state, snapshot.ledger
    times = [now + HELD] if state.queued else []
    if state.throttled:
        first = usage(ledger.history, snapshot.policy.rates, ledger.now)[0].next_available
        # While the ledger is full, an available admission can't be used at once.
        times.append(max(time_of(first * 1000), now + TICK) if first else now + SOON)
    return min(times, default=None)


def _room_for_more(policy: Policy, waiting: int) -> int:
    """How many ImageJobs the forecast covers beyond those that wait.

    So the first status of an ImageJob that arrives before the next estimate has its position, which
    saves a write. If ImageJobs may be rejected, none gets a position before that is decided.
    """
    return waiting + AHEAD if policy.lets_all_wait else 0
