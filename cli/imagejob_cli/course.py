"""One ImageJob during a run: the operator's own decisions, with a process in place of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from imagejob_operator.api.imagejob import ImageJobStatus
from imagejob_operator.api.meta import ManagedMeta, PodMeta
from imagejob_operator.config.bounds import lowered
from imagejob_operator.imagejob.decide import JobHistory, decide
from imagejob_operator.imagejob.evaluate import ready_for_worker
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.imagejob.job_builder import worker_name
from imagejob_operator.imagejob.status import describe
from imagejob_operator.kube.pod import ORDER_VARIABLE, Container, EnvVar, Pod, PodSpec
from imagejob_operator.kube.pod_status import (
    CONTAINER,
    ContainerState,
    ContainerStatus,
    PodStatus,
    Terminated,
)
from imagejob_operator.kube.worker import JobSpec, PodTemplate, Worker, WorkerJob

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from imagejob_operator.api.imagejob import ImageJob
    from imagejob_operator.api.imagestore import ImageStore
    from imagejob_operator.config.platform import Platform
    from imagejob_operator.contract.order import Order
    from imagejob_operator.imagejob.resolve import Resolved

    from .given import Task


class Course:
    """Decides as the operator does, with the same history."""

    def __init__(self, task: Task, stores: Mapping[str, ImageStore], platform: Platform) -> None:
        # At a terminal the user decides whether to retry.
        spec = msgspec.structs.replace(task.job.spec, retries=0)
        job = msgspec.structs.replace(task.job, spec=spec)
        self._inputs = Inputs(job=job, profile=task.profile, stores=stores)
        self._platform = platform
        self._history = JobHistory()

    @property
    def job(self) -> ImageJob:
        return self._inputs.job

    def ready(self, now: datetime) -> Resolved | None:
        """Return what to process, unless it has to wait, for example while it is suspended."""
        admitted = QuotaPosition(admitted_at=now)  # there is no quota here
        self._inputs = msgspec.structs.replace(self._inputs, quota=admitted)
        self._history = decide(self._inputs, self._history, self._platform, now).history
        return ready_for_worker(self._inputs, self._platform, now)

    def with_memory(self, status: ImageJobStatus, now: datetime) -> Resolved | None:
        """Return what to process once more, with the memory that its worker asked for; None if it
        asked for none, or can't have it."""
        if status.phase != "Queued" or status.memory_bytes is None:
            return None
        job = msgspec.structs.replace(self._inputs.job, status=status)
        self._inputs = msgspec.structs.replace(self._inputs, job=job)
        return ready_for_worker(self._inputs, self._platform, now)

    def status(self, worker: Worker | None, now: datetime) -> ImageJobStatus:
        """Return the status that the operator would write for the result of a worker.

        Without `worker` and `lastFailure`: there is no Job, pod or node.
        """
        inputs = msgspec.structs.replace(self._inputs, worker=worker)
        decision = decide(inputs, self._history, self._platform, now)
        self._history = decision.history
        state = decision.state
        notes = lowered(inputs.job, self._platform.bounds, state.item)
        status = describe(inputs, state, self._history.entries, now, notes)
        return msgspec.structs.replace(status, worker=None, last_failure=None)


def ended_worker(order: Order, report: str, exit_code: int, started: datetime) -> Worker:
    """Build what the operator would see in the cluster after a process with this order has
    ended."""
    name = worker_name((item.uid for item in order.items), 1)
    container_spec = Container(CONTAINER, (EnvVar(ORDER_VARIABLE, order.encode()),))
    job = WorkerJob(ManagedMeta(name), JobSpec(PodTemplate(PodSpec(containers=(container_spec,)))))
    ended = Terminated(exit_code=exit_code, message=report, started_at=started)
    container = ContainerStatus(CONTAINER, ContainerState(terminated=ended))
    return Worker(job, Pod(PodMeta(name), status=PodStatus(container_statuses=(container,))))
