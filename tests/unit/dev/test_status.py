"""A pod's status, built from the states of its containers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from imagejob_dev.processnode import status
from imagejob_dev.processnode.states import (
    Container,
    Running,
    State,
    Terminated,
    Verdict,
    Waiting,
    exit_code,
)

START = datetime(2026, 11, 22, 10, 0, 0, 999, tzinfo=UTC)
LATER = START + timedelta(seconds=2)

WAITING = Waiting("ContainerCreating")
RUNNING = Running(START, pid=42)
DONE = Terminated(0, "Completed", "ij1:report", START, LATER, pid=42)
FAILED = Terminated(3, "Error", "", START, LATER, pid=42)
LATE = Verdict("DeadlineExceeded", "too long")


def facts(*states: State, verdict: Verdict | None = None, over: bool = False) -> status.Facts:
    containers = [Container(f"c{number}", "none", state) for number, state in enumerate(states)]
    return status.Facts(containers, verdict, START, generation=1, over=over)


@pytest.mark.parametrize(
    ("given", "phase"),
    [
        (facts(WAITING), "Pending"),
        (facts(WAITING, RUNNING), "Running"),
        (facts(RUNNING), "Running"),
        (facts(DONE, RUNNING), "Running"),
        (facts(FAILED), "Running"),  # it may be restarted
        (facts(DONE, DONE, over=True), "Succeeded"),
        (facts(DONE, FAILED, over=True), "Failed"),
        (facts(WAITING, over=True), "Failed"),  # stopped before it could start
        (facts(DONE, verdict=LATE, over=True), "Failed"),
    ],
)
def test_phase(given: status.Facts, phase: str) -> None:
    assert status.build(given, [], START)["phase"] == phase


def test_a_container_that_waits_for_its_restart_leaves_the_pod_running() -> None:
    waiting = Container("c", "none", Waiting("CrashLoopBackOff"), last=FAILED, restarts=1)

    assert status.pod_phase([waiting], None, over=False) == "Running"


def test_finished_pod() -> None:
    built = status.build(facts(DONE, over=True), [], LATER)

    assert built["startTime"] == "2026-11-22T10:00:00Z"
    assert built["containerStatuses"] == [
        {
            "name": "c0",
            "image": "none",
            "imageID": "",
            "ready": False,
            "started": False,
            "restartCount": 0,
            "lastState": {},
            "containerID": "process://42",
            "state": {
                "terminated": {
                    "exitCode": 0,
                    "reason": "Completed",
                    "message": "ij1:report",
                    "startedAt": "2026-11-22T10:00:00Z",
                    "finishedAt": "2026-11-22T10:00:02Z",
                    "containerID": "process://42",
                }
            },
        }
    ]
    assert "reason" not in built


def test_verdict_is_the_pods_reason() -> None:
    built = status.build(facts(FAILED, verdict=LATE, over=True), [], LATER)

    assert (built["reason"], built["message"]) == ("DeadlineExceeded", "too long")


def test_conditions_keep_their_time_until_they_change() -> None:
    running = status.build(facts(RUNNING), [], START)["conditions"]
    finished = status.build(facts(DONE, over=True), running, LATER)["conditions"]

    times = {each["type"]: each["lastTransitionTime"] for each in finished}
    assert times == {
        "PodReadyToStartContainers": "2026-11-22T10:00:02Z",
        "Initialized": "2026-11-22T10:00:00Z",
        "Ready": "2026-11-22T10:00:02Z",
        "ContainersReady": "2026-11-22T10:00:02Z",
    }


def test_unready_containers_are_named() -> None:
    conditions = status.build(facts(RUNNING, WAITING), [], START)["conditions"]

    (ready,) = [each for each in conditions if each["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [c1]"


@pytest.mark.parametrize(("returncode", "expected"), [(0, 0), (3, 3), (-9, 137), (-15, 143)])
def test_exit_code(returncode: int, expected: int) -> None:
    assert exit_code(returncode) == expected
