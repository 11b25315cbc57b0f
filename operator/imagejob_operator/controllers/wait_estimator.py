"""Updates wait estimates, and enqueues ImageJobs whose status shows a stale one."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey
from imagejob_operator.scheduling.admission_snapshot import AdmissionSnapshot
from imagejob_operator.scheduling.wait_estimates import (
    estimate,
    next_look,
    stale_jobs,
    waiting_jobs,
)
from imagejob_operator.workqueue.queue import WorkQueue

from .namespace_registry import NamespaceRegistry

INTERVAL = timedelta(seconds=1)
"""The minimum time between two updates, for each 1,000 waiting ImageJobs."""


class WaitEstimator:
    """Estimates one namespace at a time, at a bounded rate.

    A status that waits to be written is not enqueued again: it is decided when it is written.
    """

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        registry: NamespaceRegistry,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._registry = registry
        self._looked: dict[str, datetime] = {}

    def update(self, snapshot: AdmissionSnapshot, now: datetime) -> None:
        """Update after everything that could be admitted now was admitted."""
        state = snapshot.state
        waiting = len(state.throttled) + len(state.queued)
        if not waiting:
            self._looked.pop(state.namespace, None)
            return
        interval = INTERVAL * max(1.0, waiting / 1000)
        due = self._looked.get(state.namespace, now - interval) + interval
        lacks_one = bool(state.throttled) and not state.estimate.forecast.count
        was_set_back = now + interval < due
        if now >= due or lacks_one or was_set_back:
            self._looked[state.namespace] = now
            self._refresh(snapshot, now)
        again = next_look(snapshot, now)
        times = [each for each in (again, due) if each and each > now]
        if times:
            self._queue.add(NamespaceKey(state.namespace), after=min(times))

    def _refresh(self, snapshot: AdmissionSnapshot, now: datetime) -> None:
        state, known = snapshot.state, snapshot.state.estimate
        self._registry.foretell(state.namespace, estimate(snapshot))
        # A changed limit is written to every status, even if position and time are current.
        is_same_limit = state.estimate.limit == known.limit
        jobs = (
            stale_jobs(state, self._cache, self._queue.is_waiting, now)
            if is_same_limit
            else waiting_jobs(state, self._cache)
        )
        for job in jobs:
            self._queue.add(job.metadata.uid)
