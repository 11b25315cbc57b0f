"""What to do next for the namespaces: read ledgers, charge ImageJobs, promise them workers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey, QuotaStatusKey
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.imagejob.audit import QuotaDecision
from imagejob_operator.imagejob.decide import JobHistory
from imagejob_operator.quota.rates import usage
from imagejob_operator.scheduling.allocation import Occupancy, allocate
from imagejob_operator.scheduling.fair_share import Accounts
from imagejob_operator.scheduling.namespace_registry import NamespaceRegistry
from imagejob_operator.scheduling.namespace_state import NamespaceState
from imagejob_operator.scheduling.plan import (
    AdmissionSnapshot,
    Plan,
    WorkerBudget,
    plan,
    settled,
    take_snapshot,
)
from imagejob_operator.scheduling.wait_estimates import WaitEstimates

from .ledgers import Ledgers


class Scheduler:
    """Plans for one namespace at a time, fairly for all of them.

    A plan that charges or promises anything goes into the namespace's ledger before it is followed.
    """

    def __init__(
        self,
        cache: ClusterCache,
        registry: NamespaceRegistry,
        ledgers: Ledgers,
        estimates: WaitEstimates,
        histories: dict[str, JobHistory],
        platform: Platform,
        caps: Caps,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._registry = registry
        self._ledgers = ledgers
        self._estimates = estimates
        self._histories = histories
        self._platform = platform
        self._caps = caps
        self._clock = clock
        self._accounts = Accounts()

    def next_actions(
        self, namespaces: Iterable[str], *, is_thrifty: bool = False, only_charge: bool = False
    ) -> Iterable[tuple[NamespaceKey, Callable[[], Coroutine[Any, Any, None]]]]:
        """What is to be done for those namespaces, fairly for all of them.

        `is_thrifty` has workers wait to be full: every one less is a relief for the API server.
        `only_charge` begins none.
        """
        snapshots = {}
        for namespace in namespaces:
            state = self._registry.look_at(namespace)
            if state.ledger:
                self._settle(state)
                policy = self._registry.policy(namespace)
                snapshots[namespace] = take_snapshot(state, policy, self._cache, self._clock())
            elif self._registry.needs_ledger(state):
                self._registry.begin_read(namespace)
                yield NamespaceKey(namespace), partial(self._read, state)
            else:
                self._cache.enqueue(QuotaStatusKey(namespace))  # somebody has left the line
        begins = bool(snapshots) and not only_charge
        if not begins and self._registry.have_moved():
            self._observe()
        shares = self._share(snapshots, is_thrifty=is_thrifty) if begins else {}
        for namespace, snapshot in snapshots.items():
            made = self._plan(snapshot, shares.get(namespace, WorkerBudget(workers=0)))
            if made.must_write:
                self._registry.begin_write(namespace, made)
                yield NamespaceKey(namespace), partial(self._write, snapshot, made)
            else:
                self._begin(snapshot.state, made)
                self._estimates.update(snapshot, self._clock())
                self._cache.enqueue(QuotaStatusKey(namespace))

    def _settle(self, state: NamespaceState) -> None:
        """What the ledger promised has come true, or is wanted no more."""
        promised = state.promised()
        for name in settled(state, self._cache):
            state.end(name)
            for uid in promised[name].uids:
                self._cache.enqueue(uid)

    def _share(
        self, snapshots: Mapping[str, AdmissionSnapshot], *, is_thrifty: bool
    ) -> dict[str, WorkerBudget]:
        """Who of the namespaces that want workers gets how many of the free places."""
        taken = self._observe()
        budget, self._accounts = allocate(
            self._accounts, snapshots, taken, self._caps, is_thrifty=is_thrifty
        )
        return budget

    def _observe(self) -> dict[str, Occupancy]:
        """Who holds how many places; it counts from when that was asked last."""
        taken = self._registry.occupancies()
        held = {namespace: own.workers for namespace, own in taken.items()}
        self._accounts = self._accounts.observed(
            held, self._registry.in_line(), self._registry.weight, self._clock()
        )
        return taken

    def _plan(self, snapshot: AdmissionSnapshot, budget: WorkerBudget) -> Plan:
        """What to do for one namespace. The destinations that it takes are taken at once."""
        known = ((uid, self._histories.get(uid)) for uid in snapshot.candidates)
        refusals = {uid: each.refusal for uid, each in known if each and each.refusal}
        platform = self._registry.platform(snapshot.state.namespace, self._platform)
        made = plan(snapshot, budget, self._cache, platform, self._clock(), refusals)
        for job, worker in made.assumed:
            self._cache.assume(job, worker)
        return made

    async def _read(self, state: NamespaceState) -> None:
        try:
            await self._ledgers.read(state)
        finally:
            self._registry.end(state.namespace)
        self._registry.loaded(state)

    async def _write(self, snapshot: AdmissionSnapshot, made: Plan) -> None:
        """First the ledger, then what it says."""
        state, written = snapshot.state, False
        try:
            written = await self._ledgers.write(state, made.ledger)
        finally:
            self._registry.end(state.namespace)
            for uid in made.admitted:
                self._cache.enqueue(uid)
            if not written:
                self._registry.invalidate(state, made)
        if written:
            state.excess |= snapshot.excess
            for uid in snapshot.excess:
                self._cache.enqueue(uid)
            self._remember(snapshot, made)
            self._begin(state, made)
        self._registry.resume(state)
        self._registry.enqueue_all_waiting()

    def _remember(self, snapshot: AdmissionSnapshot, made: Plan) -> None:
        """What the quota said of those that were admitted is for the audit log."""
        uses = usage(made.ledger.history, snapshot.policy.rates, made.ledger.now)
        limits = tuple(f"{use.rate.jobs}/{use.rate.per}" for use in uses)
        decision = QuotaDecision(limits, uses[0].used, uses[0].remaining)
        for uid in made.admitted:
            history = self._histories.get(uid, JobHistory())
            self._histories[uid] = msgspec.structs.replace(history, quota=decision)

    def _begin(self, state: NamespaceState, made: Plan) -> None:
        """Have the workers created that the ledger promises by now."""
        for pending in made.pending:
            state.pending[pending.name] = pending
            self._cache.enqueue((state.namespace, pending.name))
            for job in pending.jobs:
                self._cache.enqueue(job.metadata.uid)
