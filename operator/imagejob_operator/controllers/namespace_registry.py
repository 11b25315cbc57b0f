"""The namespaces: their waiting ImageJobs, their workers, and the promises of their ledgers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

import msgspec

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import (
    MissingLedgersKey,
    NamespaceKey,
    QuotaStatusKey,
)
from imagejob_operator.config.platform import Caps
from imagejob_operator.config.timings import Timings
from imagejob_operator.imagejob.inputs import JobState, QuotaPosition, WaitsFor
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.quota.charge_lookups import ChargeLookups
from imagejob_operator.quota.ledger_reads import LedgerReads
from imagejob_operator.scheduling.allocation import Occupancy, occupancy
from imagejob_operator.scheduling.namespace_state import (
    NamespaceState,
    PendingWorker,
    WaitEstimate,
)
from imagejob_operator.scheduling.plan import Plan
from imagejob_operator.workqueue.queue import WorkQueue

from .ledgers import StoredLedger
from .policies import Policies

ALONE = 2
"""Missing ledgers that are rebuilt at a time, each alone; if more are needed, they are rebuilt
together. Each is an action in progress, and what advances ImageJobs needs capacity, too."""


class NamespaceRegistry:
    """Every namespace that has or had unfinished ImageJobs.

    It is the only writer of NamespaceStates. `policies` has what applies to each.
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
        self._busy: dict[str, Plan | None] = {}
        self._known: dict[str, str] = {}
        self._in_line: set[str] = set()
        self._promising: set[str] = set()
        self._refused: set[str] = set()
        self._reads = LedgerReads()
        self._lookups = ChargeLookups()

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

    def want_ledger(self, namespace: str) -> None:
        """Request the ledger although no ImageJob waits, or together with those of others."""
        self._reads.want(namespace)
        missing = self._reads.is_missing(namespace)
        self._queue.add(MissingLedgersKey() if missing else NamespaceKey(namespace))

    def lacks_ledger(self, namespace: str) -> bool:
        """Whether the namespace has no ledger, as far as the list of all shows."""
        return not self.of(namespace).ledger and self._reads.is_missing(namespace)

    def lack_wanted_ledgers(self) -> list[str]:
        """Return the namespaces that have no ledger, and for which it was requested."""
        wanted = self._reads.wanted_missing()
        return [each for each in wanted if self.lacks_ledger(each) and each not in self._busy]

    def is_idle(self, namespace: str) -> bool:
        """Whether it needs neither a plan nor its ledger."""
        if self._reads.is_wanted(namespace):
            return False
        return self.of(namespace).is_idle(self._clock())

    def has_ledger(self, namespace: str) -> bool:
        """Whether its ledger is known."""
        return self.of(namespace).ledger is not None

    def look_up_charge(self, job: ImageJob, worker: WorkerJob) -> bool:
        """Return whether it is known when the ImageJob, which has a worker, was charged.

        If not, its ledger is read again. If that has no charge either, the worker's creation time
        counts.
        """
        uid, state = job.metadata.uid, self.of(job.metadata.namespace)
        namespace = state.namespace
        if state.ledger and self._lookups.is_answered(uid):
            state.note_charge(job, worker.metadata.creation_timestamp or self._clock())
            self._lookups.close(uid)
            return True
        if self._lookups.open(uid, namespace, can_read=namespace not in self._busy):
            self.invalidate(namespace)
        self.want_ledger(namespace)
        return False

    def is_charging(self, job: ImageJob) -> bool:
        """Whether a ledger that charges it is being written; it is reconciled again afterwards."""
        writing = self._busy.get(job.metadata.namespace)
        return writing is not None and job.metadata.uid in writing.admitted

    def quota_position(self, job: ImageJob) -> QuotaPosition:
        """Return its position in the namespace's quota and worker queues.

        While it is being charged, it has none.
        """
        found = self.of(job.metadata.namespace).quota_position(job)
        if not self.is_charging(job):
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
        self._lookups.close(uid)
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
        self._promising = {name for name in self._promising if self.of(name).promised()}
        at_work = {*self._cache.namespaces_with_workers(), *self._promising, *self._busy}
        return {name: self._occupancy(name) for name in at_work | self._refused}

    @property
    def is_reading_enough(self) -> bool:
        """Whether no further ledger is to be rebuilt alone."""
        return sum(made is None for made in self._busy.values()) >= ALONE

    def begin_read(self, namespace: str) -> None:
        """Record that its ledger is being read: it isn't planned before `end`."""
        self._busy[namespace] = None

    def begin_write(self, namespace: str, made: Plan) -> None:
        """Record that its ledger is being written: it isn't planned before `end`."""
        self._busy[namespace] = made

    def end(self, namespace: str) -> None:
        """Record that reading or writing has ended, successfully or not."""
        del self._busy[namespace]

    def listed(self, ledgers: Mapping[str, StoredLedger | None]) -> None:
        """Store all ledgers, as they were listed; None for one that could not be read."""
        self._reads.listed()
        for namespace, stored in ledgers.items():
            if stored:
                self.loaded(namespace, stored)
            else:
                self.invalidate(namespace)

    def loaded(self, namespace: str, stored: StoredLedger) -> None:
        """Store the ledger that was read or rebuilt; another namespace may have its own rebuilt.

        After a failure none goes on: it would probably fail, too, and so without any pause.
        """
        self.of(namespace).load(stored.ledger, stored.version)
        self._reads.done(namespace)
        self._lookups.note_read(namespace)
        self.resume(namespace)
        waiting = (each for each in self.lack_wanted_ledgers() if not self.is_idle(each))
        self._queue.add_namespaces(islice(waiting, 1))

    def rebuilt(self, namespace: str, stored: StoredLedger) -> None:
        """Store a ledger that did not exist, unless it was read, or has to be, meanwhile.

        It has to be if an ImageJob has a worker: another operator may have charged it since.
        """
        if not self.lacks_ledger(namespace) or namespace in self._busy:
            return
        if stored.ledger.charged:
            self.invalidate(namespace)
            self.want_ledger(namespace)
        else:
            self.of(namespace).load(stored.ledger, stored.version)
            self._reads.done(namespace)
            self._queue.add(QuotaStatusKey(namespace))
            if not self.is_idle(namespace):
                self.enqueue(namespace)

    def written(self, namespace: str, stored: StoredLedger, excess: Mapping[str, str]) -> None:
        """Store the ledger that was written; `excess` has, by UID, why an ImageJob may not wait."""
        state = self.of(namespace)
        state.load(stored.ledger, stored.version)
        state.turn_away(excess)
        for uid in excess:
            self._queue.add(uid)

    def resume(self, namespace: str) -> None:
        """Requeue the namespace and every ImageJob that waits for its ledger."""
        for uid in self._lookups.open_in(namespace):
            self._queue.add(uid)
        self._promising.add(namespace)
        self.enqueue(namespace)

    def invalidate(self, namespace: str, made: Plan | None = None) -> None:
        """Discard the ledger, which has to be read again, and the workers that it promises."""
        self._reads.outdate(namespace)
        for pending in (*self.of(namespace).invalidate(), *(made.pending if made else ())):
            self.release(pending)

    def foretell(self, namespace: str, estimate: WaitEstimate) -> None:
        """Store the wait estimate of the namespace."""
        self.of(namespace).estimate = estimate

    def begin(self, namespace: str, pending: PendingWorker) -> None:
        """Create the worker that the ledger promises."""
        self.of(namespace).begin(pending)
        self._queue.add((namespace, pending.name))
        for job in pending.jobs:
            self._queue.add(job.metadata.uid)

    def is_pending(self, namespace: str, pending: PendingWorker) -> bool:
        """Whether exactly this worker is still to be created."""
        return self.of(namespace).pending.get(pending.name) is pending

    def retire(self, namespace: str, name: str) -> None:
        """Record that no worker will be created under that name any more."""
        self.of(namespace).retire(name)

    def release(self, pending: PendingWorker) -> None:
        """Release the destinations of a worker that was created, or will not be."""
        for job in pending.jobs:
            self._cache.forget(job)
            self._queue.add(job.metadata.uid)
            self._queue.add(QuotaStatusKey(job.metadata.namespace))

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
            self._busy.get(namespace),
            self._caps.max_workers_per_namespace,
            self._timings.patience,
            self._clock(),
        )
