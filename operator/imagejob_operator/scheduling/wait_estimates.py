"""What those who wait are told: when they go on, or that they may not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey, ReconcileKey
from imagejob_operator.quota.ledger import time_of
from imagejob_operator.quota.position import shown
from imagejob_operator.quota.rates import Policy, forecast, usage

from .namespace_state import NamespaceState
from .plan import AdmissionSnapshot

INTERVAL = timedelta(seconds=1)
"""How often at most the places of those who wait are looked at, for each 1,000 of them."""

HELD = timedelta(seconds=2)
"""Nobody says when a worker that is stuck no longer counts as starting."""

AHEAD = 1000
"""How many more than wait a forecast is for, and as many again as wait."""

SOON = timedelta(milliseconds=100)
TICK = timedelta(milliseconds=1)


class WaitEstimates:
    """Keeps the forecasts, and has those looked at whose status has become stale.

    `later` is told when to look at a namespace again. Whoever `is_put_off` is looked at anyway
    when there is room for what is to be written.
    """

    def __init__(
        self,
        cache: ClusterCache,
        later: Callable[[NamespaceKey, datetime], None],
        is_queued: Callable[[ReconcileKey], bool],
    ) -> None:
        self._cache = cache
        self._later = later
        self._is_queued = is_queued
        self._looked: dict[str, datetime] = {}

    def update(self, snapshot: AdmissionSnapshot, now: datetime) -> None:
        """After all that could be admitted at once has been."""
        state = snapshot.state
        waiting = len(state.throttled) + len(state.queued)
        if not waiting:
            self._looked.pop(state.namespace, None)
            return
        interval = INTERVAL * max(1.0, waiting / 1000)
        due = self._looked.get(state.namespace, now - interval) + interval
        if now >= due:
            self._looked[state.namespace] = now
            told = state.limit
            self._foresee(snapshot)
            # Another limit is told to all at once, whatever else of it they say is still true.
            for job in self._stale(state, now) if state.limit == told else self._jobs(state):
                self._cache.enqueue(job.metadata.uid)
        self._come_back(snapshot, now, due)

    def _foresee(self, snapshot: AdmissionSnapshot) -> None:
        state, ledger, rates = snapshot.state, snapshot.ledger, snapshot.policy.rates
        tightest = usage(ledger.history, rates, ledger.now)[0].rate
        state.limit = f"{tightest.jobs} per {tightest.per}"
        state.slot = timedelta(milliseconds=tightest.slot)
        count = len(state.throttled) + _room_for_more(snapshot.policy, len(state.throttled))
        state.forecast = forecast(ledger.history, rates, ledger.now, count)

    def _stale(self, state: NamespaceState, now: datetime) -> Iterator[ImageJob]:
        """Those whose status says what isn't so, or nothing yet."""
        for job in self._jobs(state):
            if self._is_queued(job.metadata.uid):
                continue
            quota, queue = state.quota_position(job), job.status.queue
            if not quota.position or shown(queue, quota.position, now, quota.slot) is not queue:
                yield job

    def _jobs(self, state: NamespaceState) -> Iterator[ImageJob]:
        for line in (state.throttled, state.queued):
            for uid in list(line):
                job = self._cache.jobs.get(uid)
                if job:
                    yield job

    def _come_back(self, snapshot: AdmissionSnapshot, now: datetime, due: datetime) -> None:
        """When the first in line goes on, or when a look at the others is due."""
        state, ledger = snapshot.state, snapshot.ledger
        times = [due] if due > now else []
        if state.queued:
            times.append(now + HELD)
        if state.throttled:
            first = usage(ledger.history, snapshot.policy.rates, ledger.now)[0].next_available
            # At once is not possible while the ledger is full: soon, then.
            times.append(max(time_of(first * 1000), now + TICK) if first else now + SOON)
        if times:
            self._later(NamespaceKey(state.namespace), min(times))


def _room_for_more(policy: Policy, waiting: int) -> int:
    """For how many of those still to come a forecast is to hold.

    Who comes before the next look is then told his place by his first status, rather than by a
    second. Where somebody may be turned away, nobody is told a place before that is settled.
    """
    return waiting + AHEAD if policy.turns_nobody_away else 0
