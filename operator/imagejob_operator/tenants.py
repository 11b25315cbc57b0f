"""The namespaces, each with its quota and its share of the workers: what to do next for them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from .domain import ledger as ledgers
from .domain.allocation import Occupancy, allocate, occupancy
from .domain.audit import QuotaDecision
from .domain.batching import MAX_ITEMS
from .domain.charge_lookups import ChargeLookups
from .domain.fairness import Rounds
from .domain.lifecycle import Memory
from .domain.model import ImageJob
from .domain.picture import Picture
from .domain.planning import Outlook, Places, Plan, look, plan, settled
from .domain.platform import Caps, Platform
from .domain.quota import Policy, policy_of, usage
from .domain.situation import Place, Wish
from .domain.subjects import QuotaOf, Tenancy
from .domain.tenant import Tenant
from .domain.worker import WorkerJob
from .foresight import Foresight
from .ledgers import Ledgers


class Tenants:
    """Every namespace that has or had unfinished ImageJobs."""

    def __init__(
        self,
        picture: Picture,
        ledgers: Ledgers,
        foresight: Foresight,
        memories: dict[str, Memory],
        platform: Platform,
        caps: Caps,
        clock: Callable[[], datetime],
    ) -> None:
        self._picture = picture
        self._ledgers = ledgers
        self._foresight = foresight
        self._memories = memories
        self._platform = platform
        self._caps = caps
        self._clock = clock
        self._tenants: dict[str, Tenant] = {}
        self._dirty: dict[str, None] = {}
        self._due: set[str] = set()
        self._place_is_free = False
        self._busy: dict[str, Plan | None] = {}
        self._known: dict[str, str] = {}
        self._queues: set[str] = set()
        self._promising: set[str] = set()
        self._wanted: set[str] = set()
        self._lookups = ChargeLookups()
        self._rounds = Rounds()

    def of(self, namespace: str) -> Tenant:
        """The namespace, known or new."""
        known = self._tenants.get(namespace)
        if known is None:
            known = self._tenants[namespace] = Tenant(namespace)
        return known

    def __iter__(self) -> Iterator[Tenant]:
        return iter(self._tenants.values())

    def policy(self, namespace: str) -> Policy:
        """What its ImageQuota says, or the default."""
        quota = self._picture.quotas.get((namespace, "default"))
        return policy_of(quota, self._caps.default)

    def running(self, namespace: str) -> int:
        """How many of its ImageJobs are at work, or about to be."""
        return self._occupancy(namespace).image_jobs

    def want_ledger(self, namespace: str) -> None:
        """Somebody wants to know what is used, although nobody waits."""
        self._wanted.add(namespace)
        self.touch(namespace)

    def look_up_charge(self, job: ImageJob, worker: WorkerJob) -> bool:
        """Whether it is known when the ImageJob, which has a worker, was charged.

        If not, its ledger is read again. If even that doesn't say, it was when the worker was made.
        """
        uid, tenant = job.metadata.uid, self.of(job.metadata.namespace)
        namespace = tenant.namespace
        if tenant.ledger and self._lookups.is_answered(uid):
            made = worker.metadata.creation_timestamp or self._clock()
            tenant.charges.setdefault(uid, ledgers.micros(made))
            self._lookups.close(uid)
            return True
        if self._lookups.open(uid, namespace, can_read=namespace not in self._busy):
            self.disown(tenant)
        self.want_ledger(namespace)
        return False

    def is_charging(self, job: ImageJob) -> bool:
        """Whether a ledger that charges it is being written; it is looked at again after."""
        writing = self._busy.get(job.metadata.namespace)
        return writing is not None and job.metadata.uid in writing.admitted

    def place_of(self, job: ImageJob) -> Place:
        """How it stands with its namespace's quota and with the free workers."""
        return self.of(job.metadata.namespace).place_of(job)

    def line_up(self, job: ImageJob, wish: Wish | None) -> None:
        """Put it in the line that it wishes to be in."""
        uid, namespace = job.metadata.uid, job.metadata.namespace
        self._known[uid] = namespace
        tenant = self.of(namespace)
        if tenant.line_up(job, wish) or tenant.owes(uid):
            self.touch(namespace)
        if wish == "worker":
            self._queues.add(namespace)

    def leave(self, uid: str) -> None:
        """It is finished, or no more."""
        self._lookups.close(uid)
        namespace = self._known.pop(uid, None)
        if namespace is not None and self.of(namespace).leave(uid):
            self.touch(namespace)

    def touch(self, namespace: str, *, is_due: bool = False) -> None:
        """Have its quota looked at: in the next turn, or now if somebody's time has come."""
        self._dirty[namespace] = None
        if is_due:
            self._due.add(namespace)

    def touch_all_in_line(self) -> None:
        """A worker has ended: somebody, somewhere, may have its place."""
        self._place_is_free = True

    @property
    def is_touched(self) -> bool:
        """Whether there is anything to look at by now."""
        return self._place_is_free or any(each not in self._busy for each in self._dirty)

    def touched(self, *, only_due: bool = False) -> list[str]:
        """The namespaces to look at, or those alone where somebody's time has come.

        Where a place for a worker has become free, all that want one are among them.
        """
        if only_due:
            return [each for each in self._due if each not in self._busy]
        waiting = self._waiting_for_workers() if self._place_is_free else ()
        self._dirty |= dict.fromkeys(waiting)
        self._place_is_free = False
        return [each for each in self._dirty if each not in self._busy]

    def fills_a_worker(self, namespace: str) -> bool:
        """Whether enough wait for that."""
        tenant = self.of(namespace)
        return len(tenant.throttled) + len(tenant.queued) >= MAX_ITEMS

    def are_others_in_line(self, namespaces: Iterable[str]) -> bool:
        """Whether any but those wait for workers, and so are to be asked before one is begun."""
        return not self._waiting_for_workers() <= set(namespaces)

    def next_actions(
        self, namespaces: Iterable[str], *, is_thrifty: bool = False, only_charge: bool = False
    ) -> Iterable[tuple[Tenancy, Callable[[], Coroutine[Any, Any, None]]]]:
        """What is to be done for those namespaces, fairly for all of them.

        `is_thrifty` has workers wait to be full: every one less is a relief for the API server.
        `only_charge` begins none.
        """
        outlooks = {}
        for namespace in namespaces:
            self._dirty.pop(namespace, None)
            self._due.discard(namespace)
            tenant = self.of(namespace)
            if tenant.ledger:
                self._settle(tenant)
                policy = self.policy(namespace)
                outlooks[namespace] = look(tenant, policy, self._picture, self._clock())
            elif self._needs_ledger(tenant):
                self._wanted.discard(namespace)
                self._busy[namespace] = None
                yield Tenancy(namespace), partial(self._read, tenant)
        begins = outlooks and not only_charge
        shares = self._share(outlooks, is_thrifty=is_thrifty) if begins else {}
        for namespace, outlook in outlooks.items():
            places = shares.get(namespace, Places(workers=0))
            made = plan(
                outlook,
                places,
                self._picture,
                self._platform,
                self._clock(),
                self._refused(outlook),
            )
            if made.must_write:
                self._busy[namespace] = made
                yield Tenancy(namespace), partial(self._write, outlook, made)
            else:
                self._begin(outlook.tenant, made)
                self._foresight.update(outlook, self._clock())
                self._picture.touch(QuotaOf(namespace))

    def _refused(self, outlook: Outlook) -> set[str]:
        """Those of the candidates that the cluster wouldn't have a worker for."""
        known = ((uid, self._memories.get(uid)) for uid in outlook.candidates)
        return {uid for uid, memory in known if memory and memory.refusal}

    def _needs_ledger(self, tenant: Tenant) -> bool:
        """Whoever is promised a worker is in no line."""
        waits = bool(tenant.throttled or tenant.queued or tenant.owes())
        return waits or tenant.namespace in self._wanted

    def _settle(self, tenant: Tenant) -> None:
        """What the ledger promised has come true, or is wanted no more."""
        pending = tenant.pending()
        for name in settled(tenant, self._picture):
            tenant.end(name)
            for uid in pending[name].uids:
                self._picture.touch(uid)

    def _share(self, outlooks: dict[str, Outlook], *, is_thrifty: bool) -> dict[str, Places]:
        """Who of the namespaces that want workers gets how many of the free places."""
        taken = {name: self._occupancy(name) for name in self._namespaces_at_work()}
        places, self._rounds = allocate(
            self._rounds, outlooks, taken, self._caps, is_thrifty=is_thrifty
        )
        return places

    def _namespaces_at_work(self) -> set[str]:
        self._promising = {name for name in self._promising if self.of(name).pending()}
        return {*self._picture.namespaces_with_workers(), *self._promising, *self._busy}

    def _waiting_for_workers(self) -> set[str]:
        self._queues = {name for name in self._queues if self.of(name).queued}
        return self._queues

    def _occupancy(self, namespace: str) -> Occupancy:
        return occupancy(
            self._picture.live_workers(namespace),
            self.of(namespace),
            self._busy.get(namespace),
            self._caps.max_workers_per_namespace,
            self._clock(),
        )

    async def _read(self, tenant: Tenant) -> None:
        try:
            await self._ledgers.read(tenant)
        finally:
            del self._busy[tenant.namespace]
        self.adopted(tenant)

    def adopted(self, tenant: Tenant) -> None:
        """Its ledger has been read."""
        self._lookups.note_read(tenant.namespace)
        self._go_on_looking_up(tenant.namespace)
        self._promising.add(tenant.namespace)
        self.touch(tenant.namespace)

    def _go_on_looking_up(self, namespace: str) -> None:
        """Its ledger is free again: who waited for it to say when they were charged may ask."""
        for uid in self._lookups.open_in(namespace):
            self._picture.touch(uid)

    async def _write(self, outlook: Outlook, made: Plan) -> None:
        """First the ledger, then what it says."""
        tenant, written = outlook.tenant, False
        try:
            written = await self._ledgers.write(tenant, made.ledger)
        finally:
            del self._busy[tenant.namespace]
            for uid in made.admitted:
                self._picture.touch(uid)
            if not written:
                self.disown(tenant, made)
        if written:
            self._promising.add(tenant.namespace)
            tenant.excess |= outlook.excess
            for uid in outlook.excess:
                self._picture.touch(uid)
            self._remember(outlook, made)
            self._begin(tenant, made)
        self._go_on_looking_up(tenant.namespace)
        self.touch(tenant.namespace)
        self.touch_all_in_line()

    def disown(self, tenant: Tenant, made: Plan | None = None) -> None:
        """Its ledger has to be read again; the destinations of what isn't created are free."""
        for composed in (*tenant.disown(), *(made.composed if made else ())):
            for job in composed.jobs:
                self._picture.release(job)

    def _remember(self, outlook: Outlook, made: Plan) -> None:
        """What the quota said of those that were admitted is for the audit log."""
        uses = usage(made.ledger.history, outlook.policy.rates, made.ledger.now)
        limits = tuple(f"{use.rate.jobs}/{use.rate.per}" for use in uses)
        decision = QuotaDecision(limits, uses[0].used, uses[0].remaining)
        for uid in made.admitted:
            memory = self._memories.get(uid, Memory())
            self._memories[uid] = msgspec.structs.replace(memory, quota=decision)

    def _begin(self, tenant: Tenant, made: Plan) -> None:
        """Have the workers created that the ledger promises by now."""
        for composed in made.composed:
            tenant.composed[composed.name] = composed
            self._picture.touch((tenant.namespace, composed.name))
            for job in composed.jobs:
                self._picture.touch(job.metadata.uid)
