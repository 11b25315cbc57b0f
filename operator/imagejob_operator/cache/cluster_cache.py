"""The cluster's state: updated by lists and watches, read by decisions. It does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.kube.object_store import ObjectStore, version
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    IMAGE_STORES,
    PODS,
    WORKER_JOBS,
    Kind,
)
from imagejob_operator.kube.worker import Worker, WorkerJob

from .dependents import Dependents
from .destination import destination_of
from .destinations import Destinations
from .memory_budget import BudgetedStore, MemoryBudget
from .reconcile_key import (
    Key,
    NamespaceKey,
    PodKey,
    QuotaStatusKey,
    ReconcileKey,
    WatchedObject,
    as_of,
    key,
)
from .unreadable import UnreadableObjects
from .worker_ends import WorkerEnds
from .worker_index import WorkerIndex

KINDS: tuple[Kind[Any], ...] = (
    *(IMAGE_JOBS, WORKER_JOBS, PODS),
    *(IMAGE_STORES, IMAGE_PROFILES, IMAGE_QUOTAS),
)
"""All that are watched."""

_PLURALS = {kind.type: kind.plural for kind in KINDS}


class ClusterCache:
    """Unfinished ImageJobs and everything they depend on.

    `enqueue` receives the key of each object that is affected by a change. `unverified` are the
    UIDs of ImageJobs that may be finished or deleted. Tenants' objects are stored only within
    `budget`. Of an ImageJob, worker Job or pod that is `unreadable` now, the last known state stays
    and is not acted on; other kinds are as good as absent.
    """

    def __init__(
        self,
        budget: MemoryBudget | None = None,
        enqueue: Callable[[ReconcileKey], None] = lambda _: None,
    ) -> None:
        self._enqueue = enqueue
        self.budget = budget = budget or MemoryBudget()
        self.worker_index = WorkerIndex()
        self.jobs: ObjectStore[str, ImageJob] = BudgetedStore(lambda job: job.metadata.uid, budget)
        self.worker_ends = WorkerEnds(self.jobs, self.worker_index)
        self.workers = self.worker_index.jobs
        self.pods = self.worker_index.pods
        self.stores: ObjectStore[Key, ImageStore] = BudgetedStore(key, budget)
        self.profiles: ObjectStore[Key, ImageProfile] = BudgetedStore(key, budget)
        self.quotas: ObjectStore[Key, ImageQuota] = ObjectStore(key)
        self._stores: dict[str, ObjectStore[Any, Any]] = {
            IMAGE_JOBS.plural: self.jobs,
            WORKER_JOBS.plural: self.workers,
            PODS.plural: self.pods,
            IMAGE_STORES.plural: self.stores,
            IMAGE_PROFILES.plural: self.profiles,
            IMAGE_QUOTAS.plural: self.quotas,
        }
        self.unverified: set[str] = set()
        self.destinations = Destinations()
        self._dependents = Dependents(self.jobs, self.worker_index, self.destinations, enqueue)
        self.unreadable = UnreadableObjects(budget, self._dependents.enqueue_all_in)

    def stores_by_kind(self) -> Iterator[ObjectStore[Any, Any]]:
        """Yield one object store per kind."""
        yield from self._stores.values()

    def store_of(self, resource: str) -> ObjectStore[Any, Any]:
        """Return the object store of a kind, by its plural."""
        return self._stores[resource]

    def upsert(self, thing: WatchedObject | Unreadable) -> None:
        """Store an object, unless a newer version is known, and enqueue what depends on it."""
        if isinstance(thing, Unreadable):
            self._upsert_unreadable(thing)
            return
        at = key(thing)
        if self.unreadable.is_any_in(at[0]):
            resource, at_version = _PLURALS[type(thing)], version(thing)
            found = self.unreadable.get(resource, *at)
            if found and (at_version < found.version or found.is_refusal_of(at_version)):
                return
            self.unreadable.drop(resource, *at)
        self._upsert(thing)

    def _upsert(self, thing: WatchedObject) -> None:
        match thing:
            case ImageJob():
                self._upsert_job(thing)
            case WorkerJob():
                if self.worker_index.upsert(thing):
                    for item in thing.items:
                        self.destinations.writes(key(thing), item, thing.store_of(item))
                    self._dependents.enqueue_worker(thing)
            case Pod():
                if self.worker_index.upsert_pod(thing):
                    self._enqueue_pod(thing)
            case ImageStore():
                self._enqueue_namespace(thing, changed=self.stores.put(thing))
            case ImageProfile():
                self._enqueue_namespace(thing, changed=self.profiles.put(thing))
            case ImageQuota():
                self._upsert_quota(thing)

    def _upsert_unreadable(self, thing: Unreadable) -> None:
        """Hold what depends on an object that can't be read, unless that is outdated."""
        store = self.store_of(thing.resource)
        known = self._last_of(thing)
        if thing.version and store.knows_newer(known, thing.uid, thing.version):
            return
        if not thing.is_finished:
            self.hold(thing)
            return
        self.unreadable.drop(thing.resource, thing.namespace, thing.name)
        if known:
            self.remove(as_of(known, thing.version))

    def hold(self, thing: Unreadable) -> None:
        """Hold what depends on an object that can't be used, even if that version is stored."""
        self.unverified.discard(thing.uid)
        known = self._last_of(thing)
        if known and not isinstance(known, ImageJob | WorkerJob | Pod):
            self.remove(known)
        self.unreadable.put(thing)

    def _last_of(self, thing: Unreadable) -> WatchedObject | None:
        """Return what was last read under its name; of an ImageJob, by its UID."""
        store = self.store_of(thing.resource)
        known: WatchedObject | None = store.get(
            thing.uid if store is self.jobs else (thing.namespace, thing.name)
        )
        return known

    def remove(self, thing: WatchedObject) -> None:
        """Remove an object that was deleted or, for an ImageJob, has finished."""
        match thing:
            case ImageJob():
                self._remove_job(thing)
            case WorkerJob():
                if self.worker_index.remove(thing):
                    self._leave_behind(thing)
            case Pod():
                if self.worker_index.remove_pod(thing):
                    self._enqueue_pod(thing)
            case ImageStore():
                self._enqueue_namespace(thing, changed=self.stores.drop(thing))
            case ImageProfile():
                self._enqueue_namespace(thing, changed=self.profiles.drop(thing))
            case ImageQuota():
                if self.quotas.drop(thing):
                    self._enqueue_quota(thing)

    def is_unknown(self, namespace: str, uid: str) -> bool:
        """Whether what became of an ImageJob is unknown: it can't be read, or may be left out."""
        if self.unreadable.image_job(namespace, uid):
            return True
        is_known = self.jobs.get(uid) is not None or self.jobs.has_left(uid)
        return not is_known and self.budget.hides_image_jobs(namespace)

    def enqueue_all_in(self, namespace: str) -> None:
        """Enqueue the namespace, and all ImageJobs and workers in it."""
        self._dependents.enqueue_all_in(namespace)

    def live_workers(self, namespace: str) -> list[Worker]:
        """Return workers of the namespace that may be running, or start soon."""
        return self.worker_index.live_in(namespace)

    def met(self) -> list[Key]:
        """Return the workers observed since the last call, including deleted ones."""
        return self.worker_index.met()

    def namespaces_with_workers(self) -> list[str]:
        """Return the namespaces that have or had workers."""
        return self.worker_index.namespaces()

    def mark_unverified(self, uid: str) -> None:
        """Mark an unfinished ImageJob that left the watch for an unknown reason."""
        if self.jobs.get(uid):
            self.unverified.add(uid)
            self._enqueue(uid)

    def assume(self, job: ImageJob, worker: str) -> None:
        """Reserve the ImageJob's destination for a worker that is about to be created."""
        self.destinations.assume(job, worker)

    def forget(self, job: ImageJob) -> None:
        """Release the reserved destination: the worker is known, or was not created."""
        self._dependents.enqueue_image_jobs(self.destinations.forget(job))

    def _upsert_job(self, job: ImageJob) -> None:
        if job.is_finished:
            self._remove_job(job)
        elif self.jobs.put(job):
            uid = job.metadata.uid
            self._dependents.add(job)
            self._want(job)
            self._enqueue(uid)
            self._enqueue_carriers(uid)  # its status may record their failure

    def _remove_job(self, job: ImageJob) -> None:
        uid = job.metadata.uid
        known = self.jobs.get(uid)
        self.unverified.discard(uid)
        self.worker_ends.finished(uid)
        if self.jobs.drop(job) and known:
            self._dependents.discard(known)
            self.destinations.want_no_more(known)
            self._enqueue(uid)  # so that its history is forgotten
        self._enqueue_carriers(uid)

    def _enqueue_carriers(self, uid: str) -> None:
        for at in list(self.worker_index.carriers(uid)):
            self._enqueue(at)
            self._forget_worker(at)

    def is_stray(self, pod: Pod) -> bool:
        """Whether no known Job owns the pod: it is an orphan, unless its Job is yet to arrive."""
        return self.worker_index.is_stray(pod)

    def give_up(self, pod: Pod) -> None:
        """Treat the pod as lost with its node, and enqueue all that waited for its end."""
        if self.worker_index.give_up(pod):
            self._enqueue_pod(pod)

    def _leave_behind(self, worker: WorkerJob) -> None:
        """Handle a deleted Job, whose pod may still run and write."""
        at = key(worker)
        # Another operator may have deleted it, with cause.
        self.unverified.update(self.worker_ends.unrecorded(worker))
        for pod in self.worker_index.pods_of(worker):
            self._enqueue(PodKey(*key(pod)))
        self._forget_worker(at)
        self._dependents.enqueue_worker(worker)

    def _forget_worker(self, at: Key) -> None:
        """Forget a worker that nothing waits for any more, and release its destinations."""
        forgotten = self.worker_ends.forget(at)
        if forgotten:
            for item in forgotten.items:
                self.destinations.writes_no_more(at, item, forgotten.store_of(item))
            self._dependents.enqueue_worker(forgotten)

    def _enqueue_pod(self, pod: Pod) -> None:
        """Enqueue the pod's worker and, if it has none, the pod itself."""
        at = self.worker_index.job_of(pod)
        if at:
            self._forget_worker(at)
        worker = self.workers.get(at) if at else None
        if worker:
            self._dependents.enqueue_worker(worker)
        if self.worker_index.is_stray(pod):
            self._dependents.enqueue_stray(pod)

    def _upsert_quota(self, quota: ImageQuota) -> None:
        """Store it, and enqueue what it changes: its status does not change what is planned."""
        known = self.quotas.get(key(quota))
        if not self.quotas.put(quota):
            return
        if known and known.spec == quota.spec:
            self._enqueue(QuotaStatusKey(quota.metadata.namespace))
        else:
            self._enqueue_quota(quota)

    def _enqueue_quota(self, quota: ImageQuota) -> None:
        """Enqueue the namespace and the status of the ImageQuota."""
        self._enqueue(NamespaceKey(quota.metadata.namespace))
        self._enqueue(QuotaStatusKey(quota.metadata.namespace))

    def _enqueue_namespace(self, thing: ImageStore | ImageProfile, *, changed: bool) -> None:
        """Enqueue every ImageJob that may reference the store or profile."""
        if not changed:
            return
        for job in self._dependents.image_jobs_in(thing.metadata.namespace):
            self._enqueue(job.metadata.uid)
            if isinstance(thing, ImageStore):
                self._want(job)

    def _want(self, job: ImageJob) -> None:
        """Update the ImageJob's destination from its store."""
        at = (job.metadata.namespace, destination_of(job).store)
        self.destinations.want(job, self.stores.get(at))
