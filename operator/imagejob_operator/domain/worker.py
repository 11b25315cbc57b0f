"""A worker Job and its pod, as the operator reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from . import order as orders
from . import report as reports
from .model import ObjectMeta, Resource

ORDER_VARIABLE = "IMAGEJOB_ORDER"
CONTAINER = "worker"

SECOND_TRY = timedelta(seconds=1)
"""After so long the scheduler looks again for a node, at the earliest."""


class EnvVar(Resource, frozen=True):
    """One environment variable of a container."""

    name: str
    value: str = ""


class Container(Resource, frozen=True):
    """The part of a container that says what it was told to do."""

    name: str
    env: tuple[EnvVar, ...] = ()


class PodSpec(Resource, frozen=True):
    """The part of a pod's spec that matters here."""

    containers: tuple[Container, ...] = ()
    node_name: str | None = None
    active_deadline_seconds: int | None = None


class PodTemplate(Resource, frozen=True):
    """A Job's pod template."""

    spec: PodSpec


class JobSpec(Resource, frozen=True):
    """A Job's spec."""

    template: PodTemplate


class JobCondition(Resource, frozen=True):
    """A condition of a Job."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class JobStatus(Resource, frozen=True):
    """A Job's status."""

    conditions: tuple[JobCondition, ...] = ()


class Terminated(Resource, frozen=True):
    """How a container ended."""

    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Waiting(Resource, frozen=True):
    """Why a container has not started."""

    reason: str = ""
    message: str = ""


class Running(Resource, frozen=True):
    """A container that runs."""

    started_at: datetime | None = None


class ContainerState(Resource, frozen=True):
    """At most one of the three."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Resource, frozen=True):
    """The state of one container."""

    name: str
    state: ContainerState = ContainerState()


class PodCondition(Resource, frozen=True):
    """A condition of a pod."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class PodStatus(Resource, frozen=True):
    """A pod's status."""

    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: tuple[PodCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Resource, frozen=True):
    """A worker's pod."""

    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def job_name(self) -> str:
        return self.metadata.labels.get("batch.kubernetes.io/job-name", "")

    @property
    def state(self) -> ContainerState:
        """The worker container's; empty before the kubelet has said anything."""
        for container in self.status.container_statuses:
            if container.name == CONTAINER:
                return container.state
        return ContainerState()

    @property
    def has_ended(self) -> bool:
        return self.status.phase in ("Succeeded", "Failed") or self.state.terminated is not None

    @property
    def has_started(self) -> bool:
        return self.state.running is not None or self.state.terminated is not None

    @property
    def is_disrupted(self) -> bool:
        """Whether the cluster took it away: eviction, preemption, drain, a lost node."""
        condition = self._condition("DisruptionTarget")
        return condition is not None and condition.status == "True"

    @property
    def unschedulable(self) -> str | None:
        """Why no node takes it, in the scheduler's words."""
        scheduled = self._condition("PodScheduled")
        if scheduled and (scheduled.status, scheduled.reason) == ("False", "Unschedulable"):
            return scheduled.message
        return None

    @property
    def is_placed(self) -> bool:
        return bool(self.spec.node_name)

    @property
    def had_to_wait(self) -> bool:
        """Whether it has a node that had no room at first: the scheduler tries again after a second
        at the earliest, and whole seconds are told."""
        scheduled, created = self._condition("PodScheduled"), self.metadata.creation_timestamp
        placed = scheduled.last_transition_time if scheduled and self.is_placed else None
        return bool(created and placed and placed - created >= SECOND_TRY)

    def _condition(self, kind: str) -> PodCondition | None:
        return next((each for each in self.status.conditions if each.type == kind), None)


class WorkerJob(msgspec.Struct, frozen=True, rename="camel", dict=True):
    """A Job that carries a work order."""

    metadata: ObjectMeta
    spec: JobSpec
    status: JobStatus = JobStatus()

    @cached_property
    def order_text(self) -> str:
        """The order as it stands in the pod template; empty for a Job that isn't ours."""
        for container in self.spec.template.spec.containers:
            for variable in container.env:
                if container.name == CONTAINER and variable.name == ORDER_VARIABLE:
                    return variable.value
        return ""

    @cached_property
    def order(self) -> orders.Order | None:
        """What it was made to do; None if that can't be read."""
        try:
            return orders.decode(self.order_text)
        except orders.OrderError:
            return None

    @property
    def items(self) -> tuple[orders.OrderItem, ...]:
        """The ImageJobs of its order; none if it can't be read."""
        return self.order.items if self.order else ()

    def store_of(self, item: orders.OrderItem) -> orders.OrderStore | None:
        """The store that an item of its order writes to, as it was then."""
        return self.order.stores.get(item.destination.store) if self.order else None

    @property
    def is_deleting(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    @property
    def ended(self) -> JobCondition | None:
        """The condition that says the Job will start no further pod."""
        for condition in self.status.conditions:
            if condition.type in ("Complete", "Failed") and condition.status == "True":
                return condition
        return None


class Worker(msgspec.Struct, frozen=True):
    """A worker Job and, once there is one, its newest pod."""

    job: WorkerJob
    pod: Pod | None = None

    def uids(self) -> Iterator[str]:
        """The ImageJobs it was made for."""
        return (item.uid for item in self.job.items)

    def item(self, uid: str) -> orders.OrderItem | None:
        """What it was told to do for one ImageJob."""
        return next((item for item in self.job.items if item.uid == uid), None)

    @property
    def is_live(self) -> bool:
        """Whether it may still write to a destination."""
        if self.pod:
            return not self.pod.has_ended
        return self.job.ended is None

    def entry(self, uid: str) -> reports.Done | reports.Failed | None:
        """What its report says of one ImageJob, if it has said anything that can be read."""
        ended = self.pod.state.terminated if self.pod else None
        if not ended:
            return None
        try:
            report = reports.decode(ended.message)
        except reports.ReportError:
            return None
        for item, entry in zip(self.job.items, report, strict=False):
            if isinstance(entry, reports.Read):
                continue  # it has not finished this one
            if item.uid == uid and (not isinstance(entry, reports.Done) or _fits(item, entry)):
                return entry
        return None


def _fits(item: orders.OrderItem, entry: reports.Done) -> bool:
    return len(entry.outputs) == len(item.outputs)
