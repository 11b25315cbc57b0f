"""What an ImageJob's status says about its workers: the current one, and the last failure."""

from __future__ import annotations

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.kube.worker import WorkerJob

AT_WORK = frozenset({Reason.DISPATCHED, Reason.PROCESSING})
"""Reasons of an ImageJob that has a worker and no obstacle."""


def is_spent(worker: WorkerJob, job: ImageJob) -> bool:
    """Whether the ImageJob's status records the failure or loss of that worker, or of a later one.

    A failure that costs no attempt is recorded by the worker's name, a worker that was evicted or
    never ran by their number, one with too little memory by how much is needed.
    """
    failure = job.status.last_failure
    failed = failure.attempt if failure else 0
    items = (item for item in worker.items if item.uid == job.metadata.uid)
    is_recorded = any(item.attempt <= failed or _is_earlier(item, job) for item in items)
    return is_recorded or failed_in(job, worker.metadata.name)


def _is_earlier(item: OrderItem, job: ImageJob) -> bool:
    """Whether the status knows more than the order did, by a worker that ended at no cost."""
    lost, needed = job.status.disruptions or 0, job.status.memory_bytes
    return item.disruptions < lost or (needed is not None and item.memory_bytes is None)


def failed_in(job: ImageJob, worker: str) -> bool:
    """Whether the last failure in the status was in the worker of that name."""
    failure = job.status.last_failure
    return failure is not None and failure.worker == worker


def worker_shown(job: ImageJob) -> str | None:
    """Return the name of the current worker Job by the status; None if there is none.

    Later states, and obstacles to its pod, have other reasons.
    """
    worker, ready = job.status.worker, job.ready
    if not worker or not ready or ready.reason not in AT_WORK or failed_in(job, worker.job):
        return None
    return worker.job
