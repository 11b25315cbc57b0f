"""What to charge and to dispatch next in one namespace: from its lines to its next ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.destinations import Spot, spots_of
from imagejob_operator.cache.last_failure import failed_in, worker_shown
from imagejob_operator.config.platform import SIZES, Platform, Size
from imagejob_operator.contract.order import digest
from imagejob_operator.imagejob import job_builder as manifests
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import Situation
from imagejob_operator.imagejob.resolve import Resolved, resolve
from imagejob_operator.quota.admission import admit
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, usage
from imagejob_operator.quota.wait_queue import place

from .batching import Batch, Ready, batches, kind_of
from .namespace_state import Composed, Tenant, shows

AT_ONCE = 256
"""ImageJobs that one plan charges or dispatches at most."""

FEW = 2
"""Workers of a namespace that may be starting before the next one waits to be full."""

MANY = 8
"""Workers of the whole cluster that may be starting before all but a namespace's only one do."""


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


class Places(msgspec.Struct, frozen=True):
    """What one namespace may begin now: `workers`, with so many `image_jobs` in them.

    Of its workers `at_work`, as many as `starting` have begun a moment ago and are not really yet.
    `is_thrifty` when every worker less is a relief for the API server.
    """

    workers: int
    image_jobs: int = AT_ONCE
    starting: int = 0
    at_work: int = 0
    is_thrifty: bool = False


class Plan(msgspec.Struct, frozen=True):
    """The next ledger of a namespace, and what it says that the last one didn't."""

    ledger: Ledger
    admitted: tuple[str, ...] = ()
    composed: tuple[Composed, ...] = ()
    must_write: bool = False


def settled(tenant: Tenant, picture: Picture) -> list[str]:
    """The names of the workers that nobody waits for to be created any more.

    They are there, or everyone they were for has finished, gone, or been in them already.
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
    # One that may have been deleted isn't charged before it is known that it has not.
    known_to_be = [uid for uid in uncharged if uid not in picture.suspects]
    new = [uid for uid in known_to_be if _wants_a_charge(picture.jobs.get(uid))]
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
    outlook: Outlook,
    places: Places,
    picture: Picture,
    platform: Platform,
    now: datetime,
    refused: Collection[str] = (),
) -> Plan:
    """Compose workers for the first candidates, as many as there are places for.

    The `refused`, by UID, were to have one before, and the cluster wouldn't.
    Every destination that they write to is claimed at once, so that no two write to the same.
    """
    again = list(_composed_again(outlook, picture, platform, now))
    renewed = [each for each in again if each.record != outlook.ledger.dispatches[each.name]]
    ledger = outlook.ledger
    for each in renewed:
        ledger = ledger.redispatch(each.name, each.record)
    new: list[Composed] = []
    for batch in _batches(outlook, places, picture, platform, now, refused):
        uids = [ready.job.metadata.uid for ready in batch.members]
        name = manifests.worker_name(uids, ledger.number + 1)
        made = _compose(batch.members, batch.kind.size, name, picture, platform, now)
        ledger = ledger.dispatch(name, made.record)
        new.append(made)
    # Nobody is turned away by a ledger that somebody else may have written since.
    must_write = bool(outlook.admitted or new or renewed or outlook.excess or outlook.stepped)
    return Plan(ledger, outlook.admitted, (*again, *new), must_write)


def _batches(
    outlook: Outlook,
    places: Places,
    picture: Picture,
    platform: Platform,
    now: datetime,
    refused: Collection[str],
) -> list[Batch]:
    """The workers to begin now.

    A worker takes a moment to start. Those that come meanwhile gather, and go together in the next
    one: only a full one, or one of the first few, goes at once. Where thrift is called for, it has
    to be full or the namespace's only one.
    """
    if not places.workers:
        return []
    waiting = _distinct(_ready(outlook.candidates, picture, platform, now, refused))
    chosen = islice(waiting, places.image_jobs)
    made = batches(chosen, places.workers, platform)
    full = [batch for batch in made if batch.is_closed]
    if places.is_thrifty:
        early = 0 if full or places.at_work else 1
    else:
        early = max(0, FEW - places.starting)
    return [*full, *[batch for batch in made if not batch.is_closed][:early]]


def is_taken(situation: Situation, now: datetime) -> bool:
    """Whether anything may still work on it or write to its destination, as far as is known."""
    claims = situation.worker, situation.rival, situation.vanished, situation.stray(now)
    return any(claim is not None for claim in claims)


def _ready(
    uids: Iterable[str],
    picture: Picture,
    platform: Platform,
    now: datetime,
    refused: Collection[str] = (),
) -> Iterator[Ready]:
    """Those of the ImageJobs that could have a worker now."""
    for uid in uids:
        situation = gather(picture, uid) if uid not in picture.suspects else None
        if not situation or is_taken(situation, now):
            continue
        if situation.job.spec.suspend or situation.job.is_deleting:
            continue
        answer = resolve(situation.job, situation.profile, situation.stores, platform)
        if isinstance(answer, Resolved):
            yield Ready(situation.job, answer, uid in refused)


def _distinct(waiting: Iterable[Ready]) -> Iterator[Ready]:
    """The first for each destination: the others wait until that one is done."""
    taken: set[Spot] = set()
    for ready in waiting:
        store = ready.resolved.stores[ready.resolved.item.destination.store]
        wanted = spots_of(ready.job, store)
        if taken.isdisjoint(wanted):
            taken.update(wanted)
            yield ready


def _composed_again(
    outlook: Outlook, picture: Picture, platform: Platform, now: datetime
) -> Iterator[Composed]:
    """The workers that the ledger promises and that nobody here is creating, as after a restart."""
    for name, record in outlook.tenant.pending().items():
        if name in outlook.ledger.dispatches and name not in outlook.tenant.composed:
            # What it reports on one who failed in it before would not count.
            uids = [uid for uid in record.uids if not _is_through(picture.jobs.get(uid), name)]
            members = list(_ready(uids, picture, platform, now))
            if members:
                sizes = {kind_of(each, platform).size for each in members}
                size = max(sizes, key=SIZES.index)  # settings may be others than they were
                yield _compose(members, size, name, picture, platform, now)


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


def _wants_a_charge(job: ImageJob | None) -> bool:
    return not shows(job) and not (job and job.is_deleting)


def _is_through(job: ImageJob | None, worker: str) -> bool:
    return job is None or failed_in(job, worker) or worker_shown(job) == worker


def _compose(
    members: Sequence[Ready],
    size: Size,
    name: str,
    picture: Picture,
    platform: Platform,
    now: datetime,
) -> Composed:
    jobs = tuple(ready.job for ready in members)
    answers = [ready.resolved for ready in members]
    stores = {key: store for answer in answers for key, store in answer.stores.items()}
    order = manifests.compose([answer.item for answer in answers], stores, platform, size=size)
    namespace = jobs[0].metadata.namespace
    manifest = manifests.worker_job(namespace, name, order, stores, platform, size=size)
    text = order.encode()
    for job in jobs:
        picture.claim(job, name)
    return Composed(name, jobs, digest(text), text, manifest, now)
