"""Plan the next charges and dispatches of one namespace: from its queues to its next ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.destinations import Spot
from imagejob_operator.cache.last_failure import failed_in, worker_shown
from imagejob_operator.config.platform import SIZES, Platform, Size
from imagejob_operator.contract.order import digest
from imagejob_operator.imagejob import job_builder as manifests
from imagejob_operator.imagejob.evaluate import ready_for_worker
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import QuotaPosition, Refusal
from imagejob_operator.quota.admission import admit
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, usage
from imagejob_operator.quota.wait_queue import sort_key

from .batching import Batch, Ready, batches, kind_of
from .namespace_state import NamespaceState, PendingWorker, shows

AT_ONCE = 256
"""The maximum of ImageJobs that one plan charges or dispatches."""

FEW = 2
"""The number of starting workers of a namespace from which the next one waits to be full."""

MANY = 8
"""The same for the whole cluster; a namespace's only worker is exempt."""


class AdmissionSnapshot(msgspec.Struct, frozen=True):
    """One namespace at one moment: what its quota admits, and which ImageJobs could have a worker.

    In `ledger` the `admitted` are charged; `stepped` means that the clock was set back, so that the
    ledger must be written even without other changes. `candidates` are the UIDs for workers, in
    order, `excess` those that may not even wait, and why.
    """

    state: NamespaceState
    policy: Policy
    ledger: Ledger
    admitted: tuple[str, ...]
    candidates: Sequence[str]
    excess: dict[str, str]
    stepped: bool


class WorkerBudget(msgspec.Struct, frozen=True):
    """What one namespace may start now: `workers`, with at most `image_jobs` in all of them.

    It has `at_work` workers, of which `starting` have not started yet. `is_thrifty` if fewer and
    fuller workers are wanted, to relieve the API server.
    """

    workers: int
    image_jobs: int = AT_ONCE
    starting: int = 0
    at_work: int = 0
    is_thrifty: bool = False


class Plan(msgspec.Struct, frozen=True):
    """The next ledger of a namespace, and what changes with it."""

    ledger: Ledger
    admitted: tuple[str, ...] = ()
    pending: tuple[PendingWorker, ...] = ()
    must_write: bool = False

    @property
    def assumed(self) -> Iterator[tuple[ImageJob, str]]:
        """The ImageJobs whose destinations are assumed from now on, each with its worker's name.

        The cache must assume them before the next plan, so that no two workers write to the same
        destination.
        """
        return ((job, each.name) for each in self.pending for job in each.jobs)


def settled(state: NamespaceState, cache: ClusterCache) -> list[str]:
    """Return the names of dispatched workers that need not be created any more.

    They exist, or each of their ImageJobs has finished, was deleted, or has been in them already.
    """
    return [
        name
        for name, record in state.promised().items()
        if cache.workers.get((state.namespace, name))
        or all(_is_through(cache.jobs.get(uid), name) for uid in record.uids)
    ]


def take_snapshot(
    state: NamespaceState, policy: Policy, cache: ClusterCache, now: datetime
) -> AdmissionSnapshot:
    """Evaluate what the quota admits now. Raises ValueError if the ledger has not been read."""
    known = state.ledger
    if known is None:
        raise ValueError(f"the ledger of {state.namespace} has not been read")
    ledger = known.at(now, policy.rates).without(
        uids=[uid for uid in known.charged if shows(cache.jobs.get(uid))],
        names=state.retired,
    )
    # A queue still has ImageJobs that were dispatched while their status was being written.
    promised = {uid for record in state.promised().values() for uid in record.uids}
    uncharged = [uid for uid in state.throttled.head(AT_ONCE) if uid not in state.charges]
    # An ImageJob that may be deleted is charged only once its existence is verified.
    verified = [uid for uid in uncharged if uid not in cache.unverified]
    new = [uid for uid in verified if _wants_a_charge(cache.jobs.get(uid))]
    admission = admit(ledger, policy.rates, new)
    waiting = [*state.queued.head(AT_ONCE), *admission.uids]
    return AdmissionSnapshot(
        state,
        policy,
        admission.ledger,
        admission.uids,
        _in_order([uid for uid in waiting if uid not in promised], cache),
        _excess(state, policy, admission.ledger, {*known.charged, *admission.uids}, cache),
        stepped=ledger.as_of < known.as_of,
    )


def plan(
    snapshot: AdmissionSnapshot,
    budget: WorkerBudget,
    cache: ClusterCache,
    platform: Platform,
    now: datetime,
    refusals: Mapping[str, Refusal],
) -> Plan:
    """Compose workers for the first candidates, as many as the budget allows.

    `refusals` has, by UID, why the cluster refused the last worker of an ImageJob.
    """
    planner = Planner(snapshot, cache, platform, now, refusals)
    again = list(planner.recompose_orphans())
    changed = [each for each in again if each.record != snapshot.ledger.dispatches[each.name]]
    ledger = snapshot.ledger
    for each in changed:
        ledger = ledger.redispatch(each.name, each.record)
    new: list[PendingWorker] = []
    for batch in planner.batches(
        budget, planner.spots_of(job for each in again for job in each.jobs)
    ):
        uids = [ready.job.metadata.uid for ready in batch.members]
        name = manifests.worker_name(uids, ledger.number + 1)
        made = planner.compose(batch.members, batch.kind.size, name)
        ledger = ledger.dispatch(name, made.record)
        new.append(made)
    # Writing also proves that the ledger was current: no ImageJob is rejected by a stale one.
    must_write = bool(snapshot.admitted or new or changed or snapshot.excess or snapshot.stepped)
    return Plan(ledger, snapshot.admitted, (*again, *new), must_write)


class Planner(NamedTuple):
    """The inputs of one plan; it changes none of them."""

    snapshot: AdmissionSnapshot
    cache: ClusterCache
    platform: Platform
    now: datetime
    refusals: Mapping[str, Refusal]

    def batches(self, budget: WorkerBudget, claimed: Collection[Spot]) -> list[Batch]:
        """Return the workers to start now, none of which writes to a spot in `claimed`.

        A worker takes a moment to start. ImageJobs that arrive meanwhile gather, and share the next
        worker: only a full worker, or one of the first few, starts at once. If the budget is
        thrifty, it must be full or the namespace's only one.
        """
        if not budget.workers:
            return []
        waiting = self._distinct(self.ready(self.snapshot.candidates), claimed)
        made = batches(islice(waiting, budget.image_jobs), budget.workers, self.platform)
        full = [batch for batch in made if batch.is_closed]
        if budget.is_thrifty:
            early = 0 if full or budget.at_work else 1
        else:
            early = max(0, FEW - budget.starting)
        return [*full, *[batch for batch in made if not batch.is_closed][:early]]

    def recompose_orphans(self) -> Iterator[PendingWorker]:
        """Compose again workers that only the ledger has, as after a restart."""
        state = self.snapshot.state
        claimed: set[Spot] = set()
        for name, record in state.promised().items():
            if name in self.snapshot.ledger.dispatches and name not in state.pending:
                # A report on an ImageJob that failed in this worker before would not count.
                jobs = self.cache.jobs
                uids = [uid for uid in record.uids if not _is_through(jobs.get(uid), name)]
                members = [
                    each
                    for each in self.ready(uids)
                    if claimed.isdisjoint(self.spots_of([each.job]))
                ]
                if members:
                    sizes = {kind_of(each, self.platform).size for each in members}
                    size = max(sizes, key=SIZES.index)  # settings may have changed since
                    claimed |= self.spots_of(each.job for each in members)
                    yield self.compose(members, size, name)

    def ready(self, uids: Iterable[str]) -> Iterator[Ready]:
        """Yield those of the ImageJobs, all of which are charged, that may have a worker now."""
        charged = QuotaPosition(admitted_at=self.snapshot.ledger.time)
        for uid in uids:
            inputs, refusal = gather(self.cache, uid), self.refusals.get(uid)
            if not inputs:
                continue
            inputs = msgspec.structs.replace(inputs, quota=charged, refusal=refusal)
            resolved = ready_for_worker(inputs, self.platform, self.now)
            if resolved:
                yield Ready(inputs.job, resolved, was_refused=refusal is not None)

    def compose(self, members: Sequence[Ready], size: Size, name: str) -> PendingWorker:
        """Compose the worker of that name for those ImageJobs."""
        jobs = tuple(ready.job for ready in members)
        resolved, namespace = [ready.resolved for ready in members], jobs[0].metadata.namespace
        stores = {key: store for each in resolved for key, store in each.stores.items()}
        items = [each.item for each in resolved]
        order = manifests.compose(items, stores, self.platform, size=size)
        manifest = manifests.worker_job(namespace, name, order, stores, self.platform, size=size)
        text = order.encode()
        return PendingWorker(name, jobs, digest(text), text, manifest, self.now)

    def spots_of(self, jobs: Iterable[ImageJob]) -> set[Spot]:
        """Return the spots that they write to."""
        return {spot for job in jobs for spot in self.cache.destinations.spots_of(job)}

    def _distinct(self, waiting: Iterable[Ready], claimed: Collection[Spot]) -> Iterator[Ready]:
        """Yield the first for each destination: the others wait until it has finished."""
        taken = set(claimed)
        for ready in waiting:
            wanted = self.spots_of([ready.job])
            if taken.isdisjoint(wanted):
                taken |= wanted
                yield ready


def _excess(
    state: NamespaceState,
    policy: Policy,
    ledger: Ledger,
    charged: Collection[str],
    cache: ClusterCache,
) -> dict[str, str]:
    """Return which newly waiting ImageJobs may not wait, and why.

    Those whose status shows that they wait already continue to wait, even if the quota has changed.
    """
    if policy.lets_all_wait:
        return {}
    tightest = usage(ledger.history, policy.rates, ledger.now)[0]
    most, rate = policy.max_waiting or 0, tightest.rate
    why = f"no more than {most} may wait for the namespace's quota"
    if policy.on_exceeded == "Fail":
        most, why = 0, f"the namespace's quota of {rate.jobs} per {rate.per} is used up"
    # Remaining admissions are for those beyond this plan's maximum: they don't wait for the quota.
    served = sum(uid in state.throttled for uid in charged) + tightest.remaining
    behind = state.throttled.after(served + most)
    jobs = [cache.jobs.get(uid) for uid in behind if uid not in state.excess]
    return {job.metadata.uid: why for job in jobs if job and job.status.phase != "Throttled"}


def _in_order(uids: Sequence[str], cache: ClusterCache) -> list[str]:
    jobs = [job for uid in uids if (job := cache.jobs.get(uid))]
    return [job.metadata.uid for job in sorted(jobs, key=sort_key)]


def _wants_a_charge(job: ImageJob | None) -> bool:
    return not shows(job) and not (job and job.is_deleting)


def _is_through(job: ImageJob | None, worker: str) -> bool:
    return job is None or failed_in(job, worker) or worker_shown(job) == worker
