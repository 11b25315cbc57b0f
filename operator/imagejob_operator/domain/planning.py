"""What to charge and to dispatch next in one namespace: from its lines to its next ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import msgspec

from . import manifests
from .admission import admit
from .ledger import Ledger
from .lines import place
from .model import ImageJob
from .order import digest
from .picture import Picture, failed_in
from .platform import Platform
from .quota import Policy, usage
from .reasons import Reason
from .resolve import Resolved, resolve
from .tenant import Composed, Tenant, shows

AT_ONCE = 256
"""ImageJobs that one plan charges or dispatches at most."""


class Outlook(msgspec.Struct, frozen=True):
    """One namespace at one moment: what its quota admits, and who could have a worker then.

    `ledger` has the `admitted` charged; `stepped` says that the clock went back, so that it has to
    be written even if nothing else does. `candidates` are the UIDs for workers, in order, `excess`
    those that may not even wait, and why.
    """

    tenant: Tenant
    policy: Policy
    ledger: Ledger
    admitted: tuple[str, ...]
    candidates: Sequence[str]
    excess: dict[str, str]
    stepped: bool


class Plan(msgspec.Struct, frozen=True):
    """The next ledger of a namespace, and what it says that the last one didn't."""

    ledger: Ledger
    admitted: tuple[str, ...] = ()
    composed: tuple[Composed, ...] = ()
    must_write: bool = False


def settled(tenant: Tenant, picture: Picture) -> list[str]:
    """The names of the workers that nobody waits for to be created any more.

    They are there, or everyone they were for has finished, gone, or failed in them already.
    """
    return [
        name
        for name, record in tenant.pending().items()
        if picture.workers.get((tenant.namespace, name))
        or all(_is_through(picture.jobs.get(uid), name) for uid in record.uids)
    ]


def look(tenant: Tenant, policy: Policy, picture: Picture, now: datetime) -> Outlook:
    """What the quota admits now. The tenant's ledger has been read."""
    known = tenant.ledger
    if known is None:
        raise ValueError(f"the ledger of {tenant.namespace} has not been read")
    ledger = known.at(now, policy.rates).without(
        uids=[uid for uid in known.charged if shows(picture.jobs.get(uid))],
        names=tenant.void,
    )
    # A line still has those whose turn came while their status was being written.
    promised = {uid for record in tenant.pending().values() for uid in record.uids}
    uncharged = [uid for uid in tenant.throttled.head(AT_ONCE) if uid not in tenant.charges]
    new = [uid for uid in uncharged if not shows(picture.jobs.get(uid))]
    admission = admit(ledger, policy.rates, new)
    waiting = [*tenant.queued.head(AT_ONCE), *admission.uids]
    return Outlook(
        tenant,
        policy,
        admission.ledger,
        admission.uids,
        _in_order([uid for uid in waiting if uid not in promised], picture),
        _excess(tenant, policy, admission.ledger, {*known.charged, *admission.uids}, picture),
        stepped=ledger.as_of < known.as_of,
    )


def plan(
    outlook: Outlook, places: int, picture: Picture, platform: Platform, now: datetime
) -> Plan:
    """Compose workers for the first candidates, as many as there are places for.

    Every destination that they write to is claimed at once, so that no two write to the same.
    """
    again = list(_composed_again(outlook, picture, platform, now))
    renewed = [each for each in again if each.record != outlook.ledger.dispatches[each.name]]
    ledger = outlook.ledger
    for each in renewed:
        ledger = ledger.redispatch(each.name, each.record)
    new: list[Composed] = []
    for uid in outlook.candidates:
        if len(new) == places:
            break
        name = manifests.worker_name([uid], ledger.number + 1)
        made = _compose([uid], name, picture, platform, now)
        if made:
            ledger = ledger.dispatch(name, made.record)
            new.append(made)
    # Nobody is turned away by a ledger that somebody else may have written since.
    must_write = bool(outlook.admitted or new or renewed or outlook.excess or outlook.stepped)
    return Plan(ledger, outlook.admitted, (*again, *new), must_write)


def _composed_again(
    outlook: Outlook, picture: Picture, platform: Platform, now: datetime
) -> Iterator[Composed]:
    """The workers that the ledger promises and that nobody here is creating, as after a restart."""
    for name, record in outlook.tenant.pending().items():
        if name in outlook.ledger.dispatches and name not in outlook.tenant.composed:
            made = _compose(record.uids, name, picture, platform, now)
            if made:
                yield made


def _excess(
    tenant: Tenant, policy: Policy, ledger: Ledger, charged: Collection[str], picture: Picture
) -> dict[str, str]:
    """Which of the ImageJobs that have just come to wait may not, and why.

    Those whose status shows that they wait already go on waiting, whatever the quota says now.
    """
    if policy.turns_nobody_away:
        return {}
    tightest = usage(ledger.history, policy.rates, ledger.now)[0]
    most, rate = policy.max_waiting or 0, tightest.rate
    why = f"no more than {most} may wait for the namespace's quota"
    if policy.on_exceeded == "Fail":
        most, why = 0, f"the namespace's quota of {rate.jobs} per {rate.per} is used up"
    # What is left goes to those whom this plan had no room for: they don't wait for the quota.
    served = sum(uid in tenant.throttled for uid in charged) + tightest.remaining
    behind = tenant.throttled.after(served + most)
    jobs = [picture.jobs.get(uid) for uid in behind if uid not in tenant.excess]
    return {job.metadata.uid: why for job in jobs if job and job.status.phase != "Throttled"}


def _in_order(uids: Sequence[str], picture: Picture) -> list[str]:
    jobs = [job for uid in uids if (job := picture.jobs.get(uid))]
    return [job.metadata.uid for job in sorted(jobs, key=place)]


def _is_through(job: ImageJob | None, worker: str) -> bool:
    return job is None or failed_in(job, worker)


def _compose(
    uids: Sequence[str], name: str, picture: Picture, platform: Platform, now: datetime
) -> Composed | None:
    """The worker for these ImageJobs, if they still can have one."""
    found = [picture.situation(uid) for uid in uids if uid not in picture.suspects]
    situations = [each for each in found if each and not each.worker and not each.rival]
    if not situations:
        return None
    jobs, ready = [], []
    for each in situations:
        answer = resolve(each.job, each.profile, each.stores, platform)
        if isinstance(answer, Resolved) and not each.job.spec.suspend:
            jobs.append(each.job)
            ready.append(answer)
    if not ready:
        return None
    stores = {key: store for answer in ready for key, store in answer.stores.items()}
    large = any(_needs_more_memory(job) for job in jobs)
    order = manifests.compose([answer.item for answer in ready], stores, platform, large=large)
    namespace = jobs[0].metadata.namespace
    manifest = manifests.worker_job(namespace, name, order, stores, platform, large=large)
    text = order.encode()
    for job in jobs:
        picture.claim(job, name)
    return Composed(name, tuple(jobs), digest(text), text, manifest, now)


def _needs_more_memory(job: ImageJob) -> bool:
    """Whether an attempt had too little, however a later one, which had more, has failed."""
    failure, history = job.status.last_failure, job.status.audit
    reasons = [failure.reason if failure else "", *(entry.reason for entry in history)]
    return Reason.OUT_OF_MEMORY in reasons
