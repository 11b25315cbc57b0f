"""A worker's pod, as the operator reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.meta import OwnerReference, PodMeta, Resource
from imagejob_operator.contract.carried import Carried, carried_by

from .pod_status import CONTAINER, ContainerState, PodStatus, StateCondition

ORDER_VARIABLE = "IMAGEJOB_ORDER"
SCRATCH = "scratch"
"""The worker's volume for files of the moment."""

SECOND_TRY = timedelta(seconds=1)
"""The scheduler retries a pod that found no node after this long, at the earliest."""

EXCUSES = frozenset(
    {
        "DeletionByDeviceTaintManager",
        "DeletionByTaintManager",
        "DeletionByPodGC",
        "EvictionByEvictionAPI",
        "PreemptionByScheduler",
        "TerminationByKubelet",
    }
)
"""Reasons with which the cluster itself removes pods: node failure, drain, preemption, node
pressure."""

SILENCE = timedelta(seconds=60)
"""A pod this long past its deadline is on a lost node; the kubelet ends all others."""

UNSEEN = "Unknown"
"""The phase of a pod whose end was not observed, as Kubernetes sets it for a lost node's."""

REJECTED = "Pod was rejected: "
"""How the kubelet begins its message about a pod that it didn't admit."""


class EnvVar(Resource, frozen=True):
    """One environment variable of a container."""

    name: str
    value: str = ""


class Container(Resource, frozen=True):
    """The part of a container that holds its work order."""

    name: str
    env: tuple[EnvVar, ...] = ()


class PodSpec(Resource, frozen=True):
    """The part of a pod's spec that the operator reads."""

    containers: tuple[Container, ...] = ()
    node_name: str | None = None
    active_deadline_seconds: int | None = None

    @property
    def order_text(self) -> str:
        """The work order in the worker container's environment; empty for a pod that isn't ours."""
        for container in self.containers:
            for variable in container.env:
                if container.name == CONTAINER and variable.name == ORDER_VARIABLE:
                    return variable.value
        return ""


class Pod(Resource, frozen=True):
    """A worker's pod. `carries` is what is kept of its order; `is_given_up` if the operator no
    longer waits for its node, which is lost."""

    metadata: PodMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
    carries: tuple[Carried, ...] = ()
    is_given_up: bool = False

    def __post_init__(self) -> None:
        if self.spec.containers:
            reduced = msgspec.structs.replace(self.spec, containers=())
            msgspec.structs.force_setattr(
                self, "carries", carried_by(self.spec.order_text, self.metadata.namespace)
            )
            msgspec.structs.force_setattr(self, "spec", reduced)

    @property
    def controller(self) -> OwnerReference | None:
        """Its Job, unless the owner reference was removed."""
        owners = self.metadata.owner_references
        return next((each for each in owners if each.controller and each.kind == "Job"), None)

    @property
    def job_name(self) -> str:
        """The name of its Job by its label, for messages."""
        return self.metadata.labels.get("batch.kubernetes.io/job-name", "")

    def attempt_of(self, uid: str) -> int:
        """Return the attempt of the ImageJob that it was created for; 0 if none."""
        return next((each.attempt for each in self.carries if each.uid == uid), 0)

    @property
    def state(self) -> ContainerState:
        """The worker container's state; empty before the kubelet has reported one."""
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
        """Whether its container has run, as far as the kubelet knows."""
        ended = self.state.terminated
        return ended.is_of_a_run if ended else self.state.running is not None

    @property
    def is_excused(self) -> bool:
        """Whether the cluster removed it: eviction, preemption, drain, node failure. A kubelet that
        was restarted admits its pods again, and may reject one that has begun."""
        return bool(self.disruption) or (self.is_rejected and self.has_begun)

    @property
    def disruption(self) -> StateCondition | None:
        """The condition by which the cluster says that it removes the pod, and why."""
        condition = self.condition("DisruptionTarget")
        if condition and condition.status == "True" and condition.reason in EXCUSES:
            return condition
        return None

    @property
    def is_rejected(self) -> bool:
        """Whether the kubelet didn't admit it."""
        return self.status.phase == "Failed" and self.status.message.startswith(REJECTED)

    @property
    def lacks_sandbox(self) -> bool:
        """Whether the kubelet has yet to mount its volumes, or to make its sandbox."""
        sandbox = self.condition("PodReadyToStartContainers")
        return sandbox is not None and sandbox.status == "False"

    @property
    def ended_at(self) -> datetime | None:
        """When the last of its containers ended, if any has."""
        statuses = (*self.status.init_container_statuses, *self.status.container_statuses)
        ends = (each.state.terminated for each in statuses)
        return max((end.finished_at for end in ends if end and end.finished_at), default=None)

    def unseen(self) -> Pod:
        """Return the pod as one whose end was not observed; unchanged if it has ended."""
        if self.has_ended:
            return self
        status = msgspec.structs.replace(self.status, phase=UNSEEN)
        return msgspec.structs.replace(self, status=status)

    @property
    def heard_by(self) -> datetime | None:
        """By when its kubelet must have reported its end; None while it may wait to be started.

        If no start was reported, a kubelet without a connection to the API server may have begun it
        at any time before it was to be deleted.
        """
        state, allowed = (
            self.state.running or self.state.terminated,
            self.spec.active_deadline_seconds,
        )
        begun = (state.started_at if state else None) or self.status.start_time
        latest = begun or self.metadata.deletion_timestamp
        if not self.is_placed or not latest or allowed is None:
            return None
        return latest + timedelta(seconds=allowed) + SILENCE

    @property
    def silent_from(self) -> datetime | None:
        """From when on its node must be lost, if it has no end by then."""
        return None if self.has_ended else self.heard_by

    @property
    def unschedulable(self) -> str | None:
        """Why no node accepts it, in the scheduler's words; None otherwise."""
        scheduled = self.condition("PodScheduled")
        if scheduled and (scheduled.status, scheduled.reason) == ("False", "Unschedulable"):
            return scheduled.message
        return None

    @property
    def held_back(self) -> str | None:
        """Why it gets no node, other than that none accepts it: scheduling gates, as of Kueue."""
        scheduled = self.condition("PodScheduled")
        if self.is_placed or not scheduled or scheduled.status != "False":
            return None
        said = f"{scheduled.reason}: {scheduled.message}"
        return None if scheduled.reason == "Unschedulable" else said

    @property
    def is_placed(self) -> bool:
        return bool(self.spec.node_name)

    @property
    def had_to_wait(self) -> bool:
        """Whether it was bound only after a retry of the scheduler.

        The scheduler retries after a second at the earliest, and times have whole seconds.
        """
        scheduled, created = self.condition("PodScheduled"), self.metadata.creation_timestamp
        placed = scheduled.last_transition_time if scheduled and self.is_placed else None
        return bool(created and placed and placed - created >= SECOND_TRY)

    def condition(self, kind: str) -> StateCondition | None:
        """Return the condition of that type."""
        return next((each for each in self.status.conditions if each.type == kind), None)
