"""Creates, inspects and deletes worker Jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.last_failure import is_spent
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.reconcile_key import NamespaceKey
from imagejob_operator.config.timings import Timings
from imagejob_operator.imagejob.decide import Find, FindPod, Inquire
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import ApiError, ConflictError
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_JOBS, PODS, WORKER_JOBS
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.observability.logging import about
from imagejob_operator.scheduling.namespace_state import PendingWorker
from imagejob_operator.workqueue.queue import WorkQueue

from .job_histories import JobHistories
from .known_ledgers import KnownLedgers

log = logging.getLogger(__name__)

STALE = timedelta(seconds=5)
"""A worker that was planned this long ago is planned again from the current state."""

FORGOTTEN_AFTER = timedelta(minutes=1)
"""When the key of such a worker is reconciled if it isn't planned any more. Any request to create
it has ended by then, and its retry, which has a pause, isn't hastened."""


class JobWriter:
    """Each method is one action, safe to repeat after a crash, and may raise ApiError.

    Every answer of the API server goes into the cache.
    """

    def __init__(
        self,
        cluster: Cluster,
        lister: Lister,
        cache: ClusterCache,
        queue: WorkQueue,
        known: KnownLedgers,
        histories: JobHistories,
        timings: Timings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._lister = lister
        self._cache = cache
        self._queue = queue
        self._known = known
        self._histories = histories
        self._timings = timings
        self._clock = clock
        self._metrics = cluster.metrics

    async def create(self, namespace: str, pending: PendingWorker) -> bool:
        """Create the worker Job, or find that it exists already.

        Return False if it was not tried, and is planned again: its failures count on.
        """
        if not self._known.is_pending(namespace, pending):  # it was observed meanwhile
            self._known.release(pending)
            return True
        if self._clock() - pending.at > STALE:
            # For example after a pause: another operator may have continued meanwhile.
            self._known.invalidate(namespace)
            self._queue.add(NamespaceKey(namespace))
            # If the new plan doesn't have it, this forgets its failures.
            self._queue.add((namespace, pending.name), after=self._clock() + FORGOTTEN_AFTER)
            return False
        try:
            self._cache.upsert(await self._cluster.create_worker(pending.manifest))
            self._metrics.worker_created(len(pending.jobs))
            self._known.retire(namespace, pending.name)
        except ApiError as error:
            if not error.is_refusal:
                raise
            # Also of any other refusal: an attempt whose answer was lost may have created it.
            is_there = await self._meet(namespace, pending)
            if not is_there and not isinstance(error, ConflictError):
                for job in pending.jobs:
                    self._histories.refused(job.metadata.uid, error.message, self._ask_again())
        self._known.release(pending)
        return True

    async def _meet(self, namespace: str, pending: PendingWorker) -> bool:
        """Return whether a Job of our name exists: it counts if it has this order and isn't being
        deleted."""
        known = await self._cluster.read(WORKER_JOBS, namespace, pending.name)
        if isinstance(known, Unreadable):  # it exists, so no other may be created for them
            self._cache.upsert(known)
            self._known.retire(namespace, pending.name)
            return True
        if known and known.order_text == pending.order and not known.is_deleting:
            self._cache.upsert(known)
            return True
        # The next dispatch has another number, so another name.
        self._known.retire(namespace, pending.name)
        return False

    async def inquire(self, inquire: Inquire) -> None:
        """Find out why a worker Job gets no pod, or why its pod doesn't start."""
        uid, worker = inquire.job.metadata.uid, inquire.worker
        asked = (worker.pod or worker.job).metadata
        warnings = await self._cluster.events.warnings_about(asked) or await self._troubles(
            worker.pod
        )
        why, pod = warnings[-1] if warnings else "", asked.name if worker.pod else ""
        self._histories.refused(uid, why, self._ask_again(), pod)
        self._queue.add(uid)

    async def _troubles(self, pod: Pod | None) -> list[str]:
        """Return what the node of a pod that doesn't start has reported since it was created."""
        if not pod or not pod.spec.node_name or not pod.metadata.creation_timestamp:
            return []
        node, since = pod.spec.node_name, pod.metadata.creation_timestamp
        troubles = await self._cluster.events.troubles_of_node(node, since)
        return [f"node {node}: {each}" for each in troubles]

    async def find(self, find: Find) -> None:
        """Find out whether the worker Job that the status names exists: its watch may be late."""
        job, name = find.job, find.worker
        known = await self._cluster.read(WORKER_JOBS, job.metadata.namespace, name)
        if known:
            self._cache.upsert(known)
        else:
            self._histories.missed(job.metadata.uid, name)
        self._queue.add(job.metadata.uid)

    async def find_pod(self, find: FindPod) -> None:
        """Read the pod of a worker Job that has ended: it has the report, and its watch may be
        late."""
        meta = find.worker.job.metadata
        await self._lister.take(PODS, meta.namespace)
        is_there = self._cache.worker_index.with_pod(find.worker.job).last is not None
        if not is_there and not self._cache.unreadable.worker(meta.namespace, meta.name):
            self._histories.missed(find.job.metadata.uid, find.unconfirmed)
        self._queue.add(find.job.metadata.uid)

    async def sweep(self, pod: Pod) -> None:
        """Delete a pod without a Job, after checking that it has none."""
        meta, controller = pod.metadata, pod.controller
        if controller:
            job = await self._cluster.read(WORKER_JOBS, meta.namespace, controller.name)
            if isinstance(job, Unreadable):
                self._cache.upsert(job)
                return
            if job and job.metadata.uid == controller.uid:
                self._cache.upsert(job)
                if not self._cache.is_stray(pod):
                    return
        log.warning("deleting a pod without a worker Job", extra=about(meta))
        await self._cluster.delete_pod(meta)

    async def tidy(self, worker: WorkerJob) -> None:
        """Delete a worker Job that no ImageJob needs, after checking those that the cache lacks."""
        for item in worker.items:
            if self._cache.jobs.has_left(item.uid):
                continue
            job = await self._cluster.read(IMAGE_JOBS, worker.metadata.namespace, item.name)
            if job and _needs(job, item.uid, worker):
                self._cache.upsert(job)
                return
        await self._cluster.delete_worker(worker.metadata)

    def _ask_again(self) -> datetime:
        return self._clock() + self._timings.refused_for


def _needs(job: ImageJob | Unreadable, uid: str, worker: WorkerJob) -> bool:
    """Whether it, and not a successor of its name, may need the worker."""
    if isinstance(job, Unreadable):
        return job.uid in (uid, "") and not job.is_finished
    return job.metadata.uid == uid and not (job.is_finished or is_spent(worker, job))
