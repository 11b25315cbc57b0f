"""What depends on an object, and has to be reconciled when that changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.kube.object_store import ObjectStore
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.quota.wait_queue import in_order

from .destinations import Destinations, discard, spots_in_order
from .pod_index import spots_carried
from .reconcile_key import NamespaceKey, PodKey, ReconcileKey, key
from .worker_index import WorkerIndex


class Dependents:
    """Enqueues the keys that depend on an object.

    ImageJobs are enqueued in the order in which they continue: the first ones are admitted, or get
    a worker, before the last ones are reconciled.
    """

    def __init__(
        self,
        jobs: ObjectStore[str, ImageJob],
        workers: WorkerIndex,
        destinations: Destinations,
        enqueue: Callable[[ReconcileKey], None],
    ) -> None:
        self._jobs = jobs
        self._workers = workers
        self._destinations = destinations
        self._enqueue = enqueue
        self._in_namespace: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, job: ImageJob) -> None:
        """Record an unfinished ImageJob."""
        self._in_namespace[job.metadata.namespace].add(job.metadata.uid)

    def discard(self, job: ImageJob) -> None:
        """Remove an ImageJob that has finished or was deleted."""
        discard(self._in_namespace, job.metadata.namespace, job.metadata.uid)

    def image_jobs_in(self, namespace: str) -> list[ImageJob]:
        """Return the unfinished ImageJobs of the namespace, in order."""
        return in_order(map(self._jobs.get, self._in_namespace.get(namespace, ())))

    def enqueue_image_jobs(self, uids: Iterable[str]) -> None:
        """Enqueue those of the ImageJobs that are known, in order."""
        for job in in_order(map(self._jobs.get, uids)):
            self._enqueue(job.metadata.uid)

    def enqueue_all_in(self, namespace: str) -> None:
        """Enqueue the namespace, and all ImageJobs and workers in it."""
        self._enqueue(NamespaceKey(namespace))
        for job in self.image_jobs_in(namespace):
            self._enqueue(job.metadata.uid)
        for at in self._workers.keys_in(namespace):
            self._enqueue(at)

    def enqueue_worker(self, worker: WorkerJob) -> None:
        """Enqueue the worker, its ImageJobs, and those that wait for its destinations."""
        self._enqueue(key(worker))
        for item in worker.items:
            spots = spots_in_order(worker.metadata.namespace, item, worker.store_of(item))
            self.enqueue_image_jobs({item.uid, *self._destinations.wanted_at(spots)})

    def enqueue_stray(self, pod: Pod) -> None:
        """Enqueue a pod without a worker, its ImageJobs, and those that wait for its
        destinations."""
        self._enqueue(PodKey(*key(pod)))
        for item in pod.carries:
            spots = spots_carried(pod.metadata.namespace, item)
            self.enqueue_image_jobs({item.uid, *self._destinations.wanted_at(spots)})
