"""The namespaces: who waits there, who is at work, and which of them are to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import QuotaStatusKey
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.config.timings import Timings
from imagejob_operator.imagejob.inputs import QuotaPosition, WaitsFor
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.quota.charge_lookups import ChargeLookups
from imagejob_operator.quota.rates import Policy, policy_of
from imagejob_operator.scheduling.allocation import Occupancy, occupancy
from imagejob_operator.scheduling.batching import MAX_ITEMS
from imagejob_operator.scheduling.namespace_state import (
    NamespaceState,
    PendingWorker,
    WaitEstimate,
)
from imagejob_operator.scheduling.plan import Plan

from .ledgers import StoredLedger


class NamespaceRegistry:
    """Every namespace that has or had unfinished ImageJobs.

    It alone changes a NamespaceState; everybody else asks it to.
    """

    def __init__(
        self, cache: ClusterCache, caps: Caps, timings: Timings, clock: Callable[[], datetime]
    ) -> None:
        self._cache = cache
        self._caps = caps
        self._timings = timings
        self._clock = clock
        self._registry: dict[str, NamespaceState] = {}
        self._dirty: dict[str, None] = {}
        self._due: set[str] = set()
        self._place_is_free = False
        self._has_moved = False
        self._busy: dict[str, Plan | None] = {}
        self._known: dict[str, str] = {}
        self._queues: set[str] = set()
        self._promising: set[str] = set()
        self._wanted: set[str] = set()
        self._lookups = ChargeLookups()

    def of(self, namespace: str) -> NamespaceState:
        """The namespace, known or new."""
        known = self._registry.get(namespace)
        if known is None:
            known = self._registry[namespace] = NamespaceState(namespace)
        return known

    def __iter__(self) -> Iterator[NamespaceState]:
        return iter(self._registry.values())

    def policy(self, namespace: str) -> Policy:
        """What its ImageQuota says, or the default."""
        return policy_of(self._quota(namespace), self._caps.default)

    def weight(self, namespace: str) -> int:
        """Its share of the workers."""
        quota = self._quota(namespace)
        return quota.spec.weight if quota else self._caps.default.weight

    def platform(self, namespace: str, platform: Platform) -> Platform:
        """What the platform decides, as tight as its ImageQuota says."""
        return platform.held_to(self._quota(namespace))

    def running(self, namespace: str) -> int:
        """How many of its ImageJobs are at work, or about to be."""
        return self._occupancy(namespace).image_jobs

    def want_ledger(self, namespace: str) -> None:
        """Somebody wants to know what is used, although nobody waits."""
        self._wanted.add(namespace)
        self.enqueue(namespace)

    def look_up_charge(self, job: ImageJob, worker: WorkerJob) -> bool:
        """Whether it is known when the ImageJob, which has a worker, was charged.

        If not, its ledger is read again. If even that doesn't say, it was when the worker was made.
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
        """Whether a ledger that charges it is being written; it is looked at again after."""
        writing = self._busy.get(job.metadata.namespace)
        return writing is not None and job.metadata.uid in writing.admitted

    def quota_position(self, job: ImageJob) -> QuotaPosition:
        """How it stands with its namespace's quota and with the free workers."""
        return self.of(job.metadata.namespace).quota_position(job)

    def line_up(self, job: ImageJob, waits_for: WaitsFor | None) -> None:
        """Put it in the line that it wishes to be in."""
        uid, namespace = job.metadata.uid, job.metadata.namespace
        self._known[uid] = namespace
        state = self.of(namespace)
        if state.line_up(job, waits_for) or state.has_orphan(uid):
            self.enqueue(namespace)
        if waits_for == "worker":
            self._queues.add(namespace)

    def leave(self, uid: str) -> None:
        """It is finished, or no more."""
        self._lookups.close(uid)
        namespace = self._known.pop(uid, None)
        if namespace is not None and self.of(namespace).leave(uid):
            self.enqueue(namespace)

    def enqueue(self, namespace: str, *, is_due: bool = False) -> None:
        """Have its quota looked at: in the next turn, or now if somebody's time has come."""
        self._dirty[namespace] = None
        if is_due:
            self._due.add(namespace)

    def enqueue_all_waiting(self) -> None:
        """A worker has ended: somebody, somewhere, may have its place."""
        self._place_is_free = self._has_moved = True

    def have_moved(self) -> bool:
        """Whether workers have begun or ended since this was last asked."""
        moved, self._has_moved = self._has_moved, False
        return moved

    @property
    def has_keys(self) -> bool:
        """Whether there is anything to look at by now."""
        return self._place_is_free or any(each not in self._busy for each in self._dirty)

    def dirty(self, *, only_due: bool = False) -> list[str]:
        """The namespaces to look at, or those alone where somebody's time has come.

        Where a place for a worker has become free, all that want one are among them.
        """
        if only_due:
            return [each for each in self._due if each not in self._busy]
        waiting = self.in_line() if self._place_is_free else ()
        self._dirty |= dict.fromkeys(waiting)
        self._place_is_free = False
        return [each for each in self._dirty if each not in self._busy]

    def fills_a_worker(self, namespace: str) -> bool:
        """Whether enough wait for that."""
        state = self.of(namespace)
        return len(state.throttled) + len(state.queued) >= MAX_ITEMS

    def are_others_in_line(self, namespaces: Iterable[str]) -> bool:
        """Whether any but those wait for workers, and so are to be asked before one is begun."""
        return not self.in_line() <= set(namespaces)

    def occupancies(self) -> dict[str, Occupancy]:
        """What each namespace has at work, or about to be: of all that have anything."""
        self._promising = {name for name in self._promising if self.of(name).promised()}
        at_work = {*self._cache.namespaces_with_workers(), *self._promising, *self._busy}
        return {name: self._occupancy(name) for name in at_work}

    def look_at(self, namespace: str) -> NamespaceState:
        """Whatever it was touched for is being seen to."""
        self._dirty.pop(namespace, None)
        self._due.discard(namespace)
        return self.of(namespace)

    def needs_ledger(self, state: NamespaceState) -> bool:
        """Whether its ledger is to be read. Whoever is promised a worker is in no line."""
        waits = bool(state.throttled or state.queued or state.has_orphan())
        return waits or state.namespace in self._wanted

    def begin_read(self, namespace: str) -> None:
        """Its ledger is about to be read: it isn't looked at before `end`."""
        self._wanted.discard(namespace)
        self._busy[namespace] = None

    def begin_write(self, namespace: str, made: Plan) -> None:
        """Its ledger is about to be written, as in the plan: it isn't looked at before `end`."""
        self._busy[namespace] = made

    def end(self, namespace: str) -> None:
        """Its ledger has been read or written, or could not be."""
        del self._busy[namespace]

    def loaded(self, namespace: str, stored: StoredLedger) -> None:
        """Its ledger has been read."""
        self.of(namespace).load(stored.ledger, stored.version)
        self._lookups.note_read(namespace)
        self.resume(namespace)

    def written(self, namespace: str, stored: StoredLedger, excess: Mapping[str, str]) -> None:
        """Its ledger has been written; who is in `excess` may not wait, and why."""
        state = self.of(namespace)
        state.load(stored.ledger, stored.version)
        state.turn_away(excess)
        for uid in excess:
            self._cache.enqueue(uid)

    def resume(self, namespace: str) -> None:
        """Requeue the namespace and every ImageJob that waits for its ledger."""
        for uid in self._lookups.open_in(namespace):
            self._cache.enqueue(uid)
        self._promising.add(namespace)
        self.enqueue(namespace)

    def invalidate(self, namespace: str, made: Plan | None = None) -> None:
        """Its ledger has to be read again; the workers that it promises are not created for now."""
        for pending in (*self.of(namespace).invalidate(), *(made.pending if made else ())):
            self.release(pending)

    def foretell(self, namespace: str, estimate: WaitEstimate) -> None:
        """What those who wait are told from now on."""
        self.of(namespace).estimate = estimate

    def begin(self, namespace: str, pending: PendingWorker) -> None:
        """The ledger promises the worker: have it created."""
        self.of(namespace).begin(pending)
        self._cache.enqueue((namespace, pending.name))
        for job in pending.jobs:
            self._cache.enqueue(job.metadata.uid)

    def is_pending(self, namespace: str, pending: PendingWorker) -> bool:
        """Whether that very worker is still to be created."""
        return self.of(namespace).pending.get(pending.name) is pending

    def retire(self, namespace: str, name: str) -> None:
        """No worker is to be created under that name any more."""
        self.of(namespace).retire(name)

    def release(self, pending: PendingWorker) -> None:
        """It has been created, or is not to be: its destinations are free for others."""
        for job in pending.jobs:
            self._cache.forget(job)
            self._cache.enqueue(job.metadata.uid)
            self._cache.enqueue(QuotaStatusKey(job.metadata.namespace))

    def _quota(self, namespace: str) -> ImageQuota | None:
        return self._cache.quotas.get((namespace, "default"))

    def in_line(self) -> set[str]:
        """The namespaces where anybody waits for a worker."""
        self._queues = {name for name in self._queues if self.of(name).queued}
        return self._queues

    def _occupancy(self, namespace: str) -> Occupancy:
        return occupancy(
            self._cache.live_workers(namespace),
            self.of(namespace),
            self._busy.get(namespace),
            self._caps.max_workers_per_namespace,
            self._timings.patience,
            self._clock(),
        )
