"""Builds a pod's status as a kubelet would write it. Pure: time comes as an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagejob_dev.processnode.states import Container, Running, State, Terminated, Verdict, Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.processnode.api import Object

ADDRESS = "127.0.0.1"


def pod_phase(containers: Sequence[Container], verdict: Verdict | None, *, over: bool) -> str:
    """`over`: no container will run any more."""
    states = [container.state for container in containers]
    if over:
        succeeded = verdict is None and all(
            isinstance(state, Terminated) and state.exit_code == 0 for state in states
        )
        return "Succeeded" if succeeded else "Failed"
    restarted = any(container.restarts for container in containers)
    return "Pending" if not restarted and all(map(_is_waiting, states)) else "Running"


@dataclass(frozen=True)
class Facts:
    """All that a pod's status says."""

    containers: Sequence[Container]
    verdict: Verdict | None
    started: datetime
    generation: int | None
    over: bool


def build(facts: Facts, before: Sequence[Object], now: datetime) -> Object:
    """The whole status; `before` are the conditions written last."""
    phase = pod_phase(facts.containers, facts.verdict, over=facts.over)
    status: Object = {
        "phase": phase,
        "observedGeneration": facts.generation,
        "conditions": conditions(phase, facts.containers, before, now),
        "hostIP": ADDRESS,
        "hostIPs": [{"ip": ADDRESS}],
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "startTime": stamp(facts.started),
        "containerStatuses": [_container(container) for container in facts.containers],
    }
    if facts.verdict:
        status |= {"reason": facts.verdict.reason, "message": facts.verdict.message}
    return status


def conditions(
    phase: str, containers: Sequence[Container], before: Sequence[Object], now: datetime
) -> list[Object]:
    """The conditions of now; one that has not changed keeps its time of transition."""
    known = {condition["type"]: condition for condition in before}
    fresh = [
        {"type": "PodReadyToStartContainers", "status": _truth(phase == "Running")},
        {"type": "Initialized", "status": "True"},
        *({"type": kind, **_readiness(phase, containers)} for kind in ("Ready", "ContainersReady")),
    ]
    for condition in fresh:
        old = known.get(condition["type"], {})
        unchanged = old.get("status") == condition["status"]
        condition["lastTransitionTime"] = old["lastTransitionTime"] if unchanged else stamp(now)
    return fresh


def stamp(time: datetime) -> str:
    """RFC 3339 to the second, as in every metav1.Time."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _readiness(phase: str, containers: Sequence[Container]) -> Object:
    if phase in ("Succeeded", "Failed"):
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return {"status": "False", "reason": reason}
    unready = [each.name for each in containers if not isinstance(each.state, Running)]
    if not unready:
        return {"status": "True"}
    message = f"containers with unready status: [{' '.join(unready)}]"
    return {"status": "False", "reason": "ContainersNotReady", "message": message}


def _container(container: Container) -> Object:
    running = isinstance(container.state, Running)
    status: Object = {
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "ready": running,
        "started": running,
        "restartCount": container.restarts,
        "state": _state(container.state),
        "lastState": _state(container.last) if container.last else {},
    }
    if not isinstance(container.state, Waiting):
        status["containerID"] = container_id(container.state.pid)
    return status


def _state(state: State) -> Object:
    match state:
        case Waiting():
            return {"waiting": {"reason": state.reason, "message": state.message}}
        case Running():
            return {"running": {"startedAt": stamp(state.started)}}
        case Terminated():
            return {
                "terminated": {
                    "exitCode": state.exit_code,
                    "reason": state.reason,
                    "message": state.message,
                    "startedAt": stamp(state.started),
                    "finishedAt": stamp(state.finished),
                    "containerID": container_id(state.pid),
                }
            }


def container_id(pid: int) -> str:
    """Where a person, or a test that kills a worker, finds the process."""
    return f"process://{pid}"


def _is_waiting(state: State) -> bool:
    return isinstance(state, Waiting)


def _truth(value: bool) -> str:  # noqa: FBT001 (the value itself is what is converted)
    return "True" if value else "False"
