"""The ends of workers: whether statuses record them, and when a worker whose Job is gone is
forgotten."""

from __future__ import annotations

from datetime import datetime

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.kube.object_store import ObjectStore
from imagejob_operator.kube.worker import Worker, WorkerJob

from .last_failure import is_spent
from .reconcile_key import Key
from .worker_index import WorkerIndex


class WorkerEnds:
    """Decides by the unfinished ImageJobs in `jobs` what is kept of the workers in `index`."""

    def __init__(self, jobs: ObjectStore[str, ImageJob], index: WorkerIndex) -> None:
        self._jobs = jobs
        self._index = index
        self._at_no_cost: dict[str, str] = {}

    def ended_at(self, worker: WorkerJob) -> datetime | None:
        """Return when the worker ended, its creation if nothing says so; None while it is live."""
        known = self._index.with_pod(worker)
        return None if known.is_live else known.ended_at or worker.metadata.creation_timestamp

    def is_needed(self, worker: WorkerJob) -> bool:
        """Whether a known ImageJob is unfinished and its status does not record the end of this
        worker."""
        jobs = (self._jobs.get(item.uid) for item in worker.items)
        return any(job and not is_spent(worker, job) for job in jobs)

    def has_vanished(self, job: ImageJob, worker: str) -> bool:
        """Whether nothing is known of a worker Job that the ImageJob's status names.

        False for one that was deleted before its container ran.
        """
        if worker == self._at_no_cost.get(job.metadata.uid):
            return False
        return self._index.find((job.metadata.namespace, worker)) is None

    def unrecorded(self, worker: WorkerJob) -> list[str]:
        """Return the UIDs of its ImageJobs whose statuses do not record its end."""
        found = (self._job_of(worker, item.uid) for item in worker.items)
        return [job.metadata.uid for job in found if job and not is_spent(worker, job)]

    def forget(self, at: Key) -> WorkerJob | None:
        """Forget a worker whose Job and pods are gone, once every status records its end.

        Return its Job if it is forgotten now.
        """
        worker = self._index.gone(at)
        if not worker or worker.has_live_pod or self._is_awaited(worker):
            return None
        self._index.forget(at)
        for item in worker.job.items:
            if self._jobs.get(item.uid):
                self._at_no_cost[item.uid] = at[1]
        return worker.job

    def finished(self, uid: str) -> None:
        """Record that the ImageJob has finished, or was deleted."""
        self._at_no_cost.pop(uid, None)

    def _is_awaited(self, worker: Worker) -> bool:
        """Whether a status has yet to record something that the worker did."""
        return any(worker.has_something_to_tell(uid) for uid in self.unrecorded(worker.job))

    def _job_of(self, worker: WorkerJob, uid: str) -> ImageJob | None:
        """Return one of its ImageJobs, which are in its own namespace."""
        job = self._jobs.get(uid)
        return job if job and job.metadata.namespace == worker.metadata.namespace else None
