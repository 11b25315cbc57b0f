"""What an ImageJob's status says of its workers: which has it, and how the last one ended."""

from __future__ import annotations

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.kube.worker import WorkerJob

AT_WORK = frozenset({Reason.DISPATCHED, Reason.PROCESSING})
"""What is said of an ImageJob while a worker has it, and nothing is in that one's way."""


def is_spent(worker: WorkerJob, job: ImageJob) -> bool:
    """Whether the ImageJob's status tells how that worker, or a later one, failed it or was lost.

    A failure that costs no attempt is told by the worker's name, a disruption by their number.
    """
    failure, lost = job.status.last_failure, job.status.disruptions or 0
    failed = failure.attempt if failure else 0
    items = (item for item in worker.items if item.uid == job.metadata.uid)
    is_told = any(item.attempt <= failed or item.disruptions < lost for item in items)
    return is_told or failed_in(job, worker.metadata.name)


def failed_in(job: ImageJob, worker: str) -> bool:
    """Whether the newest failure that its status tells of was in the worker of that name."""
    failure = job.status.last_failure
    return failure is not None and failure.worker == worker


def worker_shown(job: ImageJob) -> str | None:
    """The name of the worker Job that has it, as far as its status says; None if none has.

    What comes after, or stands in the way of its pod, is said with another reason.
    """
    worker, reasons = job.status.worker, {each.type: each.reason for each in job.status.conditions}
    if not worker or reasons.get("Ready") not in AT_WORK or failed_in(job, worker.job):
        return None
    return worker.job
