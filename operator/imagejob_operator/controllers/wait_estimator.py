"""Keeps the estimates of those who wait, and has the statuses that are stale written again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey, ReconcileKey
from imagejob_operator.scheduling.plan import AdmissionSnapshot
from imagejob_operator.scheduling.wait_estimates import (
    estimate,
    next_look,
    stale_jobs,
    waiting_jobs,
)

from .namespace_registry import NamespaceRegistry

INTERVAL = timedelta(seconds=1)
"""How often at most the places of those who wait are looked at, for each 1,000 of them."""


class WaitEstimator:
    """Estimates for one namespace at a time, at a bounded rate.

    `enqueue_after` has a namespace looked at again at some time. A status that `is_queued` to be
    written is not enqueued once more: it is decided anew when it is written.
    """

    def __init__(
        self,
        cache: ClusterCache,
        registry: NamespaceRegistry,
        enqueue_after: Callable[[NamespaceKey, datetime], None],
        is_queued: Callable[[ReconcileKey], bool],
    ) -> None:
        self._cache = cache
        self._registry = registry
        self._enqueue_after = enqueue_after
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
            self._refresh(snapshot, now)
        again = next_look(snapshot, now)
        times = [each for each in (again, due) if each and each > now]
        if times:
            self._enqueue_after(NamespaceKey(state.namespace), min(times))

    def _refresh(self, snapshot: AdmissionSnapshot, now: datetime) -> None:
        state, known = snapshot.state, snapshot.state.estimate
        self._registry.foretell(state.namespace, estimate(snapshot))
        # Another limit is told to all at once, whatever else of it they say is still true.
        is_same_limit = state.estimate.limit == known.limit
        jobs = (
            stale_jobs(state, self._cache, self._is_queued, now)
            if is_same_limit
            else waiting_jobs(state, self._cache)
        )
        for job in jobs:
            self._cache.enqueue(job.metadata.uid)
