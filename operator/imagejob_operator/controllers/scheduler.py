"""Decides the next actions of namespaces: read ledgers, charge ImageJobs, promise workers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey, QuotaStatusKey
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.imagejob.audit import QuotaDecision
from imagejob_operator.quota.rates import usage
from imagejob_operator.scheduling.admission_snapshot import AdmissionSnapshot, take_snapshot
from imagejob_operator.scheduling.allocation import Occupancy, allocate
from imagejob_operator.scheduling.fair_share import Accounts
from imagejob_operator.scheduling.namespace_state import NamespaceState
from imagejob_operator.scheduling.plan import Plan, WorkerBudget, plan, settled
from imagejob_operator.workqueue.queue import WorkQueue

from .containment import Containment
from .job_histories import JobHistories
from .ledgers import Ledgers
from .namespace_registry import NamespaceRegistry
from .wait_estimator import WaitEstimator

Action = Callable[[], Coroutine[Any, Any, None]]
R = TypeVar("R")


class Scheduler:
    """Plans one namespace at a time, with fair shares between them.

    A plan that charges or promises anything is written to the namespace's ledger before it is
    applied.
    """

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        registry: NamespaceRegistry,
        ledgers: Ledgers,
        estimator: WaitEstimator,
        histories: JobHistories,
        platform: Platform,
        caps: Caps,
        containment: Containment,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._registry = registry
        self._known = registry.ledgers
        self._ledgers = ledgers
        self._estimator = estimator
        self._histories = histories
        self._platform = platform
        self._caps = caps
        self._containment = containment
        self._clock = clock
        self._accounts = Accounts()

    def next_actions(
        self, namespaces: Iterable[str], *, is_thrifty: bool = False, only_charge: bool = False
    ) -> list[tuple[NamespaceKey, Action]]:
        """Return the next actions of those namespaces, with fair shares between them.

        With `is_thrifty`, workers wait until they are full: each one less relieves the API server.
        With `only_charge`, no worker starts.
        """
        taken = [self._take(namespace) for namespace in namespaces]
        states = [state for state in taken if self._is_due(state.namespace)]
        reads = [
            self._contained(state.namespace, partial(self._next_read, state))
            for state in states
            if not state.ledger
        ]
        snapshots = self._snapshots(state for state in states if state.ledger)
        begins = bool(snapshots) and not only_charge
        if not begins and self._registry.have_moved():
            self._observe()
        shares = self._share(snapshots, is_thrifty=is_thrifty) if begins else {}
        none = WorkerBudget(workers=0)
        writes = [
            self._contained(
                namespace, partial(self._next_write, snapshot, shares.get(namespace, none))
            )
            for namespace, snapshot in snapshots.items()
        ]
        return [action for action in (*reads, *writes) if action]

    def _contained(self, namespace: str, decide: Callable[[], R]) -> R | None:
        """Decide about one namespace, so that an exception stops no other."""
        return self._containment.call(NamespaceKey(namespace), decide)

    def _snapshots(self, states: Iterable[NamespaceState]) -> dict[str, AdmissionSnapshot]:
        taken = {
            state.namespace: self._contained(state.namespace, partial(self._snapshot, state))
            for state in states
        }
        return {namespace: snapshot for namespace, snapshot in taken.items() if snapshot}

    def _take(self, namespace: str) -> NamespaceState:
        """Dequeue the namespace, and return its state."""
        self._queue.take_namespace(namespace)
        return self._registry.of(namespace)

    def _is_due(self, namespace: str) -> bool:
        """Whether there is anything to plan or to read, and nothing that holds the namespace."""
        if self._cache.unreadable.holding(namespace):
            return False
        if self._known.is_idle(namespace):
            self._queue.add(QuotaStatusKey(namespace))  # the queue may have changed
            return False
        return True

    def _snapshot(self, state: NamespaceState) -> AdmissionSnapshot:
        self._settle(state)
        policy = self._registry.policies.of(state.namespace)
        return take_snapshot(state, policy, self._cache, self._clock())

    def _next_read(self, state: NamespaceState) -> tuple[NamespaceKey, Action] | None:
        """Return the action to read a ledger that is needed."""
        namespace = state.namespace
        if self._known.is_reading_enough and self._known.is_missing(namespace):
            self._known.want(namespace)
            return None
        self._known.begin_read(namespace)
        return NamespaceKey(namespace), partial(self._read, namespace)

    def _next_write(
        self, snapshot: AdmissionSnapshot, budget: WorkerBudget
    ) -> tuple[NamespaceKey, Action] | None:
        """Return the action to write the ledger of the next plan, unless it is unchanged."""
        namespace, made = snapshot.state.namespace, self._plan(snapshot, budget)
        if made.must_write:
            self._known.begin_write(namespace, made)
            return NamespaceKey(namespace), partial(self._write, snapshot, made)
        self._begin(namespace, made)
        self._estimator.update(snapshot, self._clock())
        self._queue.add(QuotaStatusKey(namespace))
        return None

    def _settle(self, state: NamespaceState) -> None:
        """Retire promised workers that exist or are no longer wanted."""
        promised = state.promised()
        for name in settled(state, self._cache):
            self._known.retire(state.namespace, name)
            for uid in promised[name].uids:
                self._queue.add(uid)

    def _share(
        self, snapshots: Mapping[str, AdmissionSnapshot], *, is_thrifty: bool
    ) -> dict[str, WorkerBudget]:
        """Return how many of the free slots each namespace gets."""
        taken = self._observe()
        budget, self._accounts = allocate(
            self._accounts, snapshots, taken, self._caps, is_thrifty=is_thrifty
        )
        return budget

    def _observe(self) -> dict[str, Occupancy]:
        """Record how many slots each namespace holds, since the last call."""
        taken = self._registry.occupancies()
        held = {namespace: own.workers for namespace, own in taken.items()}
        self._accounts = self._accounts.observed(
            held, self._registry.in_line(), self._registry.policies.weight, self._clock()
        )
        return taken

    def _plan(self, snapshot: AdmissionSnapshot, budget: WorkerBudget) -> Plan:
        """Plan one namespace, and reserve the destinations of the plan immediately."""
        refusals = self._histories.refusals(snapshot.candidates)
        platform = self._registry.policies.platform(snapshot.state.namespace, self._platform)
        made = plan(snapshot, budget, self._cache, platform, self._clock(), refusals)
        for job, worker in made.assumed:
            self._cache.assume(job, worker)
        return made

    async def _read(self, namespace: str) -> None:
        try:
            is_missing = self._known.is_missing(namespace)
            stored = await self._ledgers.read(namespace, is_missing=is_missing)
        finally:
            self._known.end(namespace)
        self._known.loaded(namespace, stored)

    async def _write(self, snapshot: AdmissionSnapshot, made: Plan) -> None:
        """Write the ledger, then apply the plan."""
        namespace, version, stored = snapshot.state.namespace, snapshot.state.version, None
        try:
            stored = await self._ledgers.write(namespace, made.ledger, version)
        finally:
            self._known.end(namespace)
            for uid in made.admitted:
                self._queue.add(uid)
            if not stored:
                self._known.invalidate(namespace, made)
        if stored:
            self._known.written(namespace, stored, snapshot.excess)
            self._note_admissions(snapshot, made)
            self._begin(namespace, made)
        self._known.resume(namespace)
        self._registry.enqueue_all_waiting()

    def _note_admissions(self, snapshot: AdmissionSnapshot, made: Plan) -> None:
        """Record the quota's state at admission for the audit log."""
        uses = usage(made.ledger.history, snapshot.policy.rates, made.ledger.now)
        limits = tuple(f"{use.rate.jobs}/{use.rate.per}" for use in uses)
        decision = QuotaDecision(limits, uses[0].used, uses[0].remaining)
        for uid in made.admitted:
            self._histories.admitted(uid, decision)

    def _begin(self, namespace: str, made: Plan) -> None:
        """Create the workers that the written ledger promises."""
        for pending in made.pending:
            self._known.begin(namespace, pending)
