"""What the last failure that an ImageJob's status tells of says of its workers."""

from __future__ import annotations

from .model import ImageJob
from .worker import WorkerJob


def is_spent(worker: WorkerJob, job: ImageJob) -> bool:
    """Whether the ImageJob's status tells how that worker, or a later one, failed it."""
    failure = job.status.last_failure
    if not failure:
        return False
    attempts = (item.attempt for item in worker.items if item.uid == job.metadata.uid)
    later = any(attempt <= failure.attempt for attempt in attempts)
    return later or failed_in(job, worker.metadata.name)


def failed_in(job: ImageJob, worker: str) -> bool:
    """Whether the newest failure that its status tells of was in the worker of that name."""
    failure = job.status.last_failure
    return failure is not None and failure.worker == worker
