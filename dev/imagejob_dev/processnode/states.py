"""The states of a container, and the pod's verdict: values that the status is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Waiting:
    reason: str
    message: str = ""


@dataclass(frozen=True)
class Running:
    started: datetime
    pid: int


@dataclass(frozen=True)
class Terminated:
    exit_code: int
    reason: str
    message: str
    started: datetime
    finished: datetime
    pid: int


State = Waiting | Running | Terminated


@dataclass(frozen=True)
class Container:
    """One container as it stands now."""

    name: str
    image: str
    state: State = Waiting("ContainerCreating")
    last: Terminated | None = None
    restarts: int = 0


@dataclass(frozen=True)
class Verdict:
    """Why the node itself ended a pod: the pod's `status.reason` and `status.message`."""

    reason: str
    message: str


def exit_code(returncode: int) -> int:
    """As a shell and a kubelet count it: killed by signal n is 128 + n."""
    return 128 - returncode if returncode < 0 else returncode
