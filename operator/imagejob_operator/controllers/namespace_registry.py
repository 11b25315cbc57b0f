"""The namespaces: their waiting ImageJobs, their workers, and the promises of their ledgers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

import msgspec

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import (
    NamespaceKey,
)
from imagejob_operator.config.platform import Caps
from imagejob_operator.config.timings import Timings
from imagejob_operator.imagejob.inputs import JobState, QuotaPosition, WaitsFor
from imagejob_operator.scheduling.allocation import Occupancy, occupancy
from imagejob_operator.scheduling.namespace_state import (
    NamespaceState,
    WaitEstimate,
)
from imagejob_operator.workqueue.queue import WorkQueue

from .known_ledgers import KnownLedgers
from .policies import Policies


class NamespaceRegistry:
    """Every namespace that has or had unfinished ImageJobs.

    It and its `ledgers` are the only writers of NamespaceStates. `policies` has what applies to
    each.
    """

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        caps: Caps,
        timings: Timings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._caps = caps
        self.policies = Policies(cache, caps)
        self._timings = timings
        self._clock = clock
        self._states: dict[str, NamespaceState] = {}
        self._has_moved = False
        self._known: dict[str, str] = {}
        self._in_line: set[str] = set()
        self._refused: set[str] = set()
        self.ledgers = KnownLedgers(self.of, cache, queue, clock)

    def of(self, namespace: str) -> NamespaceState:
        """Return the namespace's state, which is created if necessary."""
        known = self._states.get(namespace)
        if known is None:
            known = self._states[namespace] = NamespaceState(namespace)
        return known

    def __iter__(self) -> Iterator[NamespaceState]:
        return iter(self._states.values())

    def has_work(self, namespace: str) -> bool:
        """Whether any of its ImageJobs waits in a queue, has a worker, or is about to."""
        state = self.of(namespace)
        return bool(state.throttled or state.queued or self.running(namespace))

    def running(self, namespace: str) -> int:
        """Return how many of its ImageJobs have a worker, or are about to."""
        return self._occupancy(namespace).image_jobs

    def quota_position(self, job: ImageJob) -> QuotaPosition:
        """Return its position in the namespace's quota and worker queues.

        While it is being charged, it has none.
        """
        found = self.of(job.metadata.namespace).quota_position(job)
        if not self.ledgers.is_charging(job):
            return found
        return msgspec.structs.replace(found, position=None)

    def note_start(self, namespace: str, decided: JobState) -> None:
        """Note whether the worker of an ImageJob could start: if not, others wait for it."""
        state = self.of(namespace)
        if not state.note_start(decided):
            return
        if state.refused_at:
            self._refused.add(namespace)
        else:
            self._refused.discard(namespace)
        self.enqueue(namespace)

    def line_up(self, job: ImageJob, waits_for: WaitsFor | None) -> None:
        """Put it into the queue that it waits in."""
        uid, namespace = job.metadata.uid, job.metadata.namespace
        self._known[uid] = namespace
        state = self.of(namespace)
        if state.line_up(job, waits_for) or state.has_orphan(uid):
            self.enqueue(namespace)
        self._note_line(state)

    def leave(self, uid: str) -> None:
        """Remove an ImageJob that has finished or was deleted."""
        self.ledgers.close_lookup(uid)
        namespace = self._known.pop(uid, None)
        if namespace is not None:
            state = self.of(namespace)
            if state.leave(uid):
                self.enqueue(namespace)
            self._note_line(state)

    def _note_line(self, state: NamespaceState) -> None:
        if state.queued:
            self._in_line.add(state.namespace)
        else:
            self._in_line.discard(state.namespace)

    def enqueue(self, namespace: str) -> None:
        """Plan the namespace in the next round."""
        self._queue.add(NamespaceKey(namespace))

    def enqueue_all_waiting(self) -> None:
        """Plan every namespace that waits for a worker: one has started or ended."""
        self._has_moved = True
        self._queue.add_namespaces(self._in_line)

    def have_moved(self) -> bool:
        """Whether workers have started or ended since the last call."""
        moved, self._has_moved = self._has_moved, False
        return moved

    def fills_a_worker(self, namespace: str) -> bool:
        """Whether enough ImageJobs wait to fill a worker."""
        state = self.of(namespace)
        return len(state.throttled) + len(state.queued) >= MAX_BATCH

    def are_others_in_line(self, namespaces: Iterable[str]) -> bool:
        """Whether other namespaces wait for workers, and have to be planned together with these."""
        return not self._in_line <= set(namespaces)

    def in_line(self) -> Collection[str]:
        """Return the namespaces in which ImageJobs wait for a worker."""
        return self._in_line

    def occupancies(self) -> dict[str, Occupancy]:
        """Return the workers of each namespace that has any, is about to, or could start none."""
        with_workers = self._cache.namespaces_with_workers()
        at_work = {*with_workers, *self.ledgers.promising(), *self.ledgers.busy}
        return {name: self._occupancy(name) for name in at_work | self._refused}

    def foretell(self, namespace: str, estimate: WaitEstimate) -> None:
        """Store the wait estimate of the namespace."""
        self.of(namespace).estimate = estimate

    def _occupancy(self, namespace: str) -> Occupancy:
        state, jobs = self.of(namespace), self._cache.jobs
        promised = {
            name: len(record.uids)
            for name, record in state.promised().items()
            # Nothing creates it while none of its ImageJobs is known: it takes no slot of others.
            if name in state.pending or any(jobs.get(uid) for uid in record.uids)
        }
        return occupancy(
            self._cache.live_workers(namespace),
            state,
            promised,
            self.ledgers.busy.get(namespace),
            self._caps.max_workers_per_namespace,
            self._timings.patience,
            self._clock(),
        )
