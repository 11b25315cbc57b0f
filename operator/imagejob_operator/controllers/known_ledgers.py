"""The ledgers of the namespaces, as this operator knows them, and the workers that they promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import (
    MissingLedgersKey,
    NamespaceKey,
    QuotaStatusKey,
)
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.quota.charge_lookups import ChargeLookups
from imagejob_operator.quota.ledger_reads import LedgerReads
from imagejob_operator.scheduling.namespace_state import NamespaceState, PendingWorker
from imagejob_operator.scheduling.plan import Plan
from imagejob_operator.workqueue.queue import WorkQueue

from .ledgers import StoredLedger

ALONE = 2
"""Missing ledgers that are rebuilt at a time, each alone; if more are needed, they are rebuilt
together. Each is an action in progress, and what advances ImageJobs needs capacity, too."""


class KnownLedgers:
    """Which ledgers are known, missing or wanted, and which are being read or written.

    What is read goes into the NamespaceStates, which `of` returns.
    """

    def __init__(
        self,
        of: Callable[[str], NamespaceState],
        cache: ClusterCache,
        queue: WorkQueue,
        clock: Callable[[], datetime],
    ) -> None:
        self._of = of
        self._cache = cache
        self._queue = queue
        self._clock = clock
        self._busy: dict[str, Plan | None] = {}
        self._promising: set[str] = set()
        self._reads = LedgerReads()
        self._lookups = ChargeLookups()

    @property
    def busy(self) -> Mapping[str, Plan | None]:
        """The namespaces whose ledger is being read (None), or written for a plan."""
        return self._busy

    def promising(self) -> set[str]:
        """Return the namespaces with workers that a ledger promises, and that aren't created."""
        self._promising = {name for name in self._promising if self._of(name).promised()}
        return self._promising

    def close_lookup(self, uid: str) -> None:
        """Record that nothing waits any more to know when the ImageJob was charged."""
        self._lookups.close(uid)

    def want(self, namespace: str) -> None:
        """Request the ledger although no ImageJob waits, or together with those of others."""
        self._reads.want(namespace)
        missing = self._reads.is_missing(namespace)
        self._queue.add(MissingLedgersKey() if missing else NamespaceKey(namespace))

    def is_missing(self, namespace: str) -> bool:
        """Whether the namespace has no ledger, as far as the list of all shows."""
        return not self._of(namespace).ledger and self._reads.is_missing(namespace)

    def wanted_missing(self) -> list[str]:
        """Return the namespaces that have no ledger, and for which it was requested."""
        wanted = self._reads.wanted_missing()
        return [each for each in wanted if self.is_missing(each) and each not in self._busy]

    def is_known(self, namespace: str) -> bool:
        """Whether its ledger is known."""
        return self._of(namespace).ledger is not None

    def is_idle(self, namespace: str) -> bool:
        """Whether it needs neither a plan nor its ledger."""
        if self._reads.is_wanted(namespace):
            return False
        return self._of(namespace).is_idle(self._clock())

    def look_up_charge(self, job: ImageJob, worker: WorkerJob) -> bool:
        """Return whether it is known when the ImageJob, which has a worker, was charged.

        If not, its ledger is read again. If that has no charge either, the worker's creation time
        counts.
        """
        uid, state = job.metadata.uid, self._of(job.metadata.namespace)
        namespace = state.namespace
        if state.ledger and self._lookups.is_answered(uid):
            state.note_charge(job, worker.metadata.creation_timestamp or self._clock())
            self._lookups.close(uid)
            return True
        if self._lookups.open(uid, namespace, can_read=namespace not in self._busy):
            self.invalidate(namespace)
        self.want(namespace)
        return False

    def is_charging(self, job: ImageJob) -> bool:
        """Whether a ledger that charges it is being written; it is reconciled again afterwards."""
        writing = self._busy.get(job.metadata.namespace)
        return writing is not None and job.metadata.uid in writing.admitted

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
        self._of(namespace).load(stored.ledger, stored.version)
        self._reads.done(namespace)
        self._lookups.note_read(namespace)
        self.resume(namespace)
        waiting = (each for each in self.wanted_missing() if not self.is_idle(each))
        self._queue.add_namespaces(islice(waiting, 1))

    def rebuilt(self, namespace: str, stored: StoredLedger) -> None:
        """Store a ledger that did not exist, unless it was read, or has to be, meanwhile.

        It has to be if an ImageJob has a worker: another operator may have charged it since.
        """
        if not self.is_missing(namespace) or namespace in self._busy:
            return
        if stored.ledger.charged:
            self.invalidate(namespace)
            self.want(namespace)
        else:
            self._of(namespace).load(stored.ledger, stored.version)
            self._reads.done(namespace)
            self._queue.add(QuotaStatusKey(namespace))
            if not self.is_idle(namespace):
                self._queue.add(NamespaceKey(namespace))

    def written(self, namespace: str, stored: StoredLedger, excess: Mapping[str, str]) -> None:
        """Store the ledger that was written; `excess` has, by UID, why an ImageJob may not wait."""
        state = self._of(namespace)
        state.load(stored.ledger, stored.version)
        state.turn_away(excess)
        for uid in excess:
            self._queue.add(uid)

    def resume(self, namespace: str) -> None:
        """Requeue the namespace and every ImageJob that waits for its ledger."""
        for uid in self._lookups.open_in(namespace):
            self._queue.add(uid)
        self._promising.add(namespace)
        self._queue.add(NamespaceKey(namespace))

    def invalidate(self, namespace: str, made: Plan | None = None) -> None:
        """Discard the ledger, which has to be read again, and the workers that it promises."""
        self._reads.outdate(namespace)
        for pending in (*self._of(namespace).invalidate(), *(made.pending if made else ())):
            self.release(pending)

    def begin(self, namespace: str, pending: PendingWorker) -> None:
        """Create the worker that the ledger promises."""
        self._of(namespace).begin(pending)
        self._queue.add((namespace, pending.name))
        for job in pending.jobs:
            self._queue.add(job.metadata.uid)

    def is_pending(self, namespace: str, pending: PendingWorker) -> bool:
        """Whether exactly this worker is still to be created."""
        return self._of(namespace).pending.get(pending.name) is pending

    def retire(self, namespace: str, name: str) -> None:
        """Record that no worker will be created under that name any more."""
        self._of(namespace).retire(name)

    def release(self, pending: PendingWorker) -> None:
        """Release the destinations of a worker that was created, or will not be."""
        for job in pending.jobs:
            self._cache.forget(job)
            self._queue.add(job.metadata.uid)
            self._queue.add(QuotaStatusKey(job.metadata.namespace))
