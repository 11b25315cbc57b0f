"""What to do next for the namespaces: read ledgers, charge ImageJobs, promise them workers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.reconcile_key import QuotaOf, Tenancy
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.imagejob.audit import QuotaDecision
from imagejob_operator.imagejob.decide import Memory
from imagejob_operator.quota.rates import usage
from imagejob_operator.scheduling.allocation import Occupancy, allocate
from imagejob_operator.scheduling.fair_share import Accounts
from imagejob_operator.scheduling.namespace_registry import Tenants
from imagejob_operator.scheduling.namespace_state import Tenant
from imagejob_operator.scheduling.plan import Outlook, Places, Plan, look, plan, settled
from imagejob_operator.scheduling.wait_estimates import Foresight

from .ledgers import Ledgers


class Dispatcher:
    """Plans for one namespace at a time, fairly for all of them.

    A plan that charges or promises anything goes into the namespace's ledger before it is followed.
    """

    def __init__(
        self,
        picture: Picture,
        tenants: Tenants,
        ledgers: Ledgers,
        foresight: Foresight,
        memories: dict[str, Memory],
        platform: Platform,
        caps: Caps,
        clock: Callable[[], datetime],
    ) -> None:
        self._picture = picture
        self._tenants = tenants
        self._ledgers = ledgers
        self._foresight = foresight
        self._memories = memories
        self._platform = platform
        self._caps = caps
        self._clock = clock
        self._accounts = Accounts()

    def next_actions(
        self, namespaces: Iterable[str], *, is_thrifty: bool = False, only_charge: bool = False
    ) -> Iterable[tuple[Tenancy, Callable[[], Coroutine[Any, Any, None]]]]:
        """What is to be done for those namespaces, fairly for all of them.

        `is_thrifty` has workers wait to be full: every one less is a relief for the API server.
        `only_charge` begins none.
        """
        outlooks = {}
        for namespace in namespaces:
            tenant = self._tenants.look_at(namespace)
            if tenant.ledger:
                self._settle(tenant)
                policy = self._tenants.policy(namespace)
                outlooks[namespace] = look(tenant, policy, self._picture, self._clock())
            elif self._tenants.needs_ledger(tenant):
                self._tenants.begin_read(namespace)
                yield Tenancy(namespace), partial(self._read, tenant)
            else:
                self._picture.touch(QuotaOf(namespace))  # somebody has left the line
        begins = bool(outlooks) and not only_charge
        if not begins and self._tenants.have_moved():
            self._observe()
        shares = self._share(outlooks, is_thrifty=is_thrifty) if begins else {}
        for namespace, outlook in outlooks.items():
            made = self._plan(outlook, shares.get(namespace, Places(workers=0)))
            if made.must_write:
                self._tenants.begin_write(namespace, made)
                yield Tenancy(namespace), partial(self._write, outlook, made)
            else:
                self._begin(outlook.tenant, made)
                self._foresight.update(outlook, self._clock())
                self._picture.touch(QuotaOf(namespace))

    def _settle(self, tenant: Tenant) -> None:
        """What the ledger promised has come true, or is wanted no more."""
        pending = tenant.pending()
        for name in settled(tenant, self._picture):
            tenant.end(name)
            for uid in pending[name].uids:
                self._picture.touch(uid)

    def _share(self, outlooks: Mapping[str, Outlook], *, is_thrifty: bool) -> dict[str, Places]:
        """Who of the namespaces that want workers gets how many of the free places."""
        taken = self._observe()
        places, self._accounts = allocate(
            self._accounts, outlooks, taken, self._caps, is_thrifty=is_thrifty
        )
        return places

    def _observe(self) -> dict[str, Occupancy]:
        """Who holds how many places; it counts from when that was asked last."""
        taken = self._tenants.occupancies()
        held = {namespace: own.workers for namespace, own in taken.items()}
        self._accounts = self._accounts.observed(
            held, self._tenants.in_line(), self._tenants.weight, self._clock()
        )
        return taken

    def _plan(self, outlook: Outlook, places: Places) -> Plan:
        known = ((uid, self._memories.get(uid)) for uid in outlook.candidates)
        refused = {uid for uid, memory in known if memory and memory.refusal}
        platform = self._tenants.platform(outlook.tenant.namespace, self._platform)
        return plan(outlook, places, self._picture, platform, self._clock(), refused)

    async def _read(self, tenant: Tenant) -> None:
        try:
            await self._ledgers.read(tenant)
        finally:
            self._tenants.end(tenant.namespace)
        self._tenants.adopted(tenant)

    async def _write(self, outlook: Outlook, made: Plan) -> None:
        """First the ledger, then what it says."""
        tenant, written = outlook.tenant, False
        try:
            written = await self._ledgers.write(tenant, made.ledger)
        finally:
            self._tenants.end(tenant.namespace)
            for uid in made.admitted:
                self._picture.touch(uid)
            if not written:
                self._tenants.disown(tenant, made)
        if written:
            tenant.excess |= outlook.excess
            for uid in outlook.excess:
                self._picture.touch(uid)
            self._remember(outlook, made)
            self._begin(tenant, made)
        self._tenants.resume(tenant)
        self._tenants.touch_all_in_line()

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
