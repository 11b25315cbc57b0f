"""A pod's status, as the operator reads it."""

from __future__ import annotations

from datetime import datetime

from imagejob_operator.api.meta import Resource

CONTAINER = "worker"

UNKNOWN_END = "ContainerStatusUnknown"
"""The kubelet's reason for a container that it doesn't know, which may never have started."""

FAILED_STARTS = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of container runtimes for a container whose program could not be started."""


class Terminated(Resource, frozen=True):
    """How a container ended."""

    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_of_a_run(self) -> bool:
        """Whether the container had run. Runtimes give failed starts an exit code, too."""
        if self.reason == UNKNOWN_END:
            return self.started_at is not None
        return self.reason not in FAILED_STARTS


class Waiting(Resource, frozen=True):
    """Why a container has not started."""

    reason: str = ""
    message: str = ""


class Running(Resource, frozen=True):
    """Since when a container is running."""

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


class StateCondition(Resource, frozen=True):
    """A condition of a pod, or of a Job."""

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
    conditions: tuple[StateCondition, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    start_time: datetime | None = None
