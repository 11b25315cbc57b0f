"""A worker Job and its pod, as the operator reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

import msgspec

from . import order as orders
from . import report as reports
from .carried import (
    EXCUSES,
    SILENCE,
    UNKNOWN_END,
    UNSEEN,
    Carried,
    OwnerReference,
    PodMeta,
    carried_by,
)
from .model import ObjectMeta, Resource

Nothing = Literal["nothing"]

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

    @property
    def order_text(self) -> str:
        """The order that the worker is given; empty for a pod that isn't ours."""
        for container in self.containers:
            for variable in container.env:
                if container.name == CONTAINER and variable.name == ORDER_VARIABLE:
                    return variable.value
        return ""


class PodTemplate(Resource, frozen=True):
    """A Job's pod template."""

    spec: PodSpec


class JobSpec(Resource, frozen=True):
    """A Job's spec."""

    template: PodTemplate
    suspend: bool = False


class JobCondition(Resource, frozen=True):
    """A condition of a Job."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


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
    """A worker's pod. `carries` is all that is kept of its order."""

    metadata: PodMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
    carries: tuple[Carried, ...] = ()

    def __post_init__(self) -> None:
        if self.spec.containers:
            reduced = msgspec.structs.replace(self.spec, containers=())
            msgspec.structs.force_setattr(
                self, "carries", carried_by(self.spec.order_text, self.metadata.namespace)
            )
            msgspec.structs.force_setattr(self, "spec", reduced)

    @property
    def controller(self) -> OwnerReference | None:
        """Its Job, unless somebody has taken it away from it."""
        owners = self.metadata.owner_references
        return next((each for each in owners if each.controller and each.kind == "Job"), None)

    @property
    def job_name(self) -> str:
        """The Job that has made it, as a label says: for people."""
        return self.metadata.labels.get("batch.kubernetes.io/job-name", "")

    def attempt_of(self, uid: str) -> int:
        """Which attempt of the ImageJob it was made for; 0 if none."""
        return next((each.attempt for each in self.carries if each.uid == uid), 0)

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
    def has_begun(self) -> bool:
        """Whether its container has been at work, as far as the kubelet knows."""
        ended = self.state.terminated
        if ended and ended.reason == UNKNOWN_END:
            return ended.started_at is not None
        return self.has_started

    @property
    def is_disrupted(self) -> bool:
        """Whether its Job starts another in its place."""
        condition = self._condition("DisruptionTarget")
        return condition is not None and condition.status == "True"

    @property
    def is_excused(self) -> bool:
        """Whether the cluster took it away: eviction, preemption, drain, a lost node."""
        condition = self._condition("DisruptionTarget")
        return condition is not None and self.is_disrupted and condition.reason in EXCUSES

    def is_silent(self, now: datetime) -> bool:
        """Whether it should have ended long ago: its node is gone, and takes no orders."""
        running, allowed = self.state.running, self.spec.active_deadline_seconds
        if self.has_ended or not running or not running.started_at or allowed is None:
            return False
        return now >= running.started_at + timedelta(seconds=allowed) + SILENCE

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
        return self.spec.template.spec.order_text

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
    def is_resuming(self) -> bool:
        """Whether it was suspended, and the Job controller has not had it go on yet."""
        return any(
            each.type == "Suspended" and each.status == "True" for each in self.status.conditions
        )

    @property
    def resumed_at(self) -> datetime | None:
        """When it was last had go on, after it had been suspended."""
        times = (
            each.last_transition_time
            for each in self.status.conditions
            if each.type == "Suspended" and each.status == "False"
        )
        return next(times, None)

    @property
    def ended(self) -> JobCondition | None:
        """The condition that says the Job will start no further pod."""
        for condition in self.status.conditions:
            if condition.type in ("Complete", "Failed") and condition.status == "True":
                return condition
        return None


class Worker(msgspec.Struct, frozen=True):
    """A worker Job and, once there is one, the newest of the pods that it controls.

    `others` are the older ones, `past` those that have gone, as they were last: also if they have
    been taken away from the Job. `is_gone` says that the Job itself is there no more.
    """

    job: WorkerJob
    pod: Pod | None = None
    others: tuple[Pod, ...] = ()
    past: tuple[Pod, ...] = ()
    is_gone: bool = False

    def uids(self) -> Iterator[str]:
        """The ImageJobs it was made for."""
        return (item.uid for item in self.job.items)

    def item(self, uid: str) -> orders.OrderItem | None:
        """What it was told to do for one ImageJob."""
        return next((item for item in self.job.items if item.uid == uid), None)

    def pods(self) -> Iterator[Pod]:
        """Those that are there."""
        yield from self.others
        if self.pod:
            yield self.pod

    @property
    def has_live_pod(self) -> bool:
        return any(not pod.has_ended for pod in self.pods())

    @property
    def is_suspended(self) -> bool:
        """Whether its Job makes no pod until somebody has it go on, and none is left."""
        waits = self.job.spec.suspend and not self.job.ended and not self.is_gone
        return waits and not self.has_live_pod

    @property
    def last(self) -> Pod | None:
        """The newest pod, be it there or gone: its end is that of the attempt."""
        return self.pod or next(iter(self.past[-1:]), None)

    @property
    def is_at_work(self) -> bool:
        """Whether a pod of it works, or is to come that would be the first to."""
        if self.has_live_pod or self.is_suspended:
            return True
        if self.pod or self.job.ended or self.is_gone:
            return False
        return self.last is None or not self.counts(self.last)

    @property
    def is_live(self) -> bool:
        """Whether it may still write to a destination: at once, or by a pod that is to come."""
        if self.is_at_work or not self.last or self.job.ended or self.is_gone:
            return self.is_at_work
        return self.last.is_disrupted or self.excuses(self.last)

    def excuses(self, pod: Pod) -> bool:
        """Whether the cluster took the pod away: by itself, or as the Job was suspended."""
        if pod.is_excused or self.job.spec.suspend or self._may_be_excused(pod):
            return True
        resumed, created = self.job.resumed_at, pod.metadata.creation_timestamp
        return self.job.is_resuming or bool(resumed and created and created <= resumed)

    def forsaken(self) -> Pod | None:
        """A pod before the last one that was at work, and that nothing excuses."""
        before = (*self.others, *self.past) if self.pod else self.past[:-1]
        return next((pod for pod in before if self.counts(pod)), None)

    def counts(self, pod: Pod) -> bool:
        """Whether it was at work, and its end is nobody's but its own."""
        return pod.has_begun and not self.excuses(pod)

    def has_something_to_tell(self, uid: str) -> bool:
        """Of one whose Job has gone: whether the attempt may count for the ImageJob."""
        if self.has_live_pod or self.entry(uid) is not None or self.forsaken():
            return True
        return self.last is not None and self.counts(self.last)

    def _may_be_excused(self, pod: Pod) -> bool:
        """Nobody has seen how it ended: by its Job, which goes on, it was as with an eviction."""
        return pod.status.phase == UNSEEN and not self.is_gone

    def entry(self, uid: str) -> reports.Done | reports.Failed | None:
        """What its report says of how one ImageJob ended, if that can be read."""
        said, item = self.said(uid), self.item(uid)
        if not item or not isinstance(said, reports.Done | reports.Failed):
            return None
        return said if isinstance(said, reports.Failed) or _fits(item, said) else None

    def said(self, uid: str) -> reports.Entry | Nothing:
        """What stands in its report for one ImageJob; "nothing" without one that can be read."""
        return self._said_by(self.last, uid)

    def read_before(self, uid: str) -> str | None:
        """The digest of the source that a pod before the last one has read, in hex."""
        pods = (*self.past, *self.others)
        told = (self._said_by(pod, uid) for pod in pods if pod is not self.last)
        found = (entry.source for entry in told if entry and entry != "nothing")
        return next((each.sha256.hex() for each in found if each and each.sha256), None)

    def _said_by(self, pod: Pod | None, uid: str) -> reports.Entry | Nothing:
        ended = pod.state.terminated if pod else None
        try:
            report = reports.decode(ended.message) if ended else ()
        except reports.ReportError:
            return "nothing"
        pairs = zip(self.job.items, report, strict=False)
        return next((entry for item, entry in pairs if item.uid == uid), "nothing")


def _fits(item: orders.OrderItem, entry: reports.Done) -> bool:
    return len(entry.outputs) == len(item.outputs)
