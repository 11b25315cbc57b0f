"""Plan the next workers of one namespace: from its queues to its next ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.destinations import Spot
from imagejob_operator.cache.last_failure import failed_in
from imagejob_operator.config.platform import SIZES, Platform, Size
from imagejob_operator.contract.order import digest
from imagejob_operator.imagejob import job_builder
from imagejob_operator.imagejob.evaluate import ready_for_worker
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import QuotaPosition, Refusal
from imagejob_operator.quota.ledger import Ledger

from .admission_snapshot import AT_ONCE, AdmissionSnapshot
from .batching import Batch, Ready, batches, kind_of
from .namespace_state import NamespaceState, PendingWorker

FEW = 2
"""The number of starting workers of a namespace from which the next one waits to be full."""

MANY = 8
"""The same for the whole cluster; a namespace's only worker is exempt."""


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
        or all(
            uid in state.gone
            or (
                _is_through(cache.jobs.get(uid), name)
                and not cache.is_unknown(state.namespace, uid)
            )
            for uid in record.uids
        )
    ]


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
        name = job_builder.worker_name(uids, ledger.number + 1)
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
        order = job_builder.compose(items, stores, self.platform, size=size)
        manifest = job_builder.worker_job(namespace, name, order, stores, self.platform, size=size)
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


def _is_through(job: ImageJob | None, worker: str) -> bool:
    """Whether the ImageJob was deleted, or its status shows that it has been in that worker.

    A status names a worker only once that exists. One that never ran is followed by another, after
    a delay and under another name.
    """
    shown = job.status.worker if job else None
    return job is None or failed_in(job, worker) or (shown is not None and shown.job == worker)
