"""What the status says while a worker Job exists, until its pod ends, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from imagejob_operator.api.reasons import Reason
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, Refusal
from imagejob_operator.kube.pod_words import UNREMARKABLE
from imagejob_operator.kube.worker import Worker
from support.api_objects import (
    EARLIER,
    NO_ROOM,
    PLATFORM,
    carried,
    image_job,
    inputs,
    pod,
    running,
    waiting,
    worker_job,
)
from support.timings import PATIENCE, REPLACED_AFTER

CAT = image_job()
CREATED = datetime.fromisoformat(EARLIER)
"""When the Job and its pod were created."""
TICK = timedelta(milliseconds=1)

RUNNING = pod(state=running())
UNPLACED = pod(phase="Pending", conditions=[NO_ROOM])
UNREACHED = pod(phase="Pending", state=waiting("ContainerCreating"))
UNPULLED = pod(phase="Pending", state=waiting("ErrImagePull", "no such image: worker:1"))
GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "waits for a gate",
}
ANSWER = Refusal("pods are forbidden: exceeded quota", CREATED + timedelta(seconds=25))

LATE = CREATED + REPLACED_AFTER
ON_ITS_WAY = "worker Job ij-1 has been created; its pod has not started yet"


CASES = {
    "no pod yet": (carried(), TICK, Reason.DISPATCHED, ON_ITS_WAY),
    "no pod yet, and nobody has asked why": (carried(), PATIENCE, Reason.DISPATCHED, ON_ITS_WAY),
    "no pod yet, but it is early to say why": (
        carried(refusal=ANSWER),
        PATIENCE - TICK,
        Reason.DISPATCHED,
        ON_ITS_WAY,
    ),
    "no pod can be made": (
        carried(refusal=ANSWER),
        PATIENCE,
        Reason.WORKER_REFUSED,
        "worker Job ij-1 gets no pod: pods are forbidden: exceeded quota",
    ),
    "no node takes it at once": (
        carried(UNPLACED),
        PATIENCE - TICK,
        Reason.DISPATCHED,
        ON_ITS_WAY,
    ),
    "no node takes it": (
        carried(UNPLACED),
        PATIENCE,
        Reason.WORKER_UNSCHEDULABLE,
        "no node accepts pod ij-1-x2k9q: 0/3 nodes are available: 3 Insufficient memory.",
    ),
    "it may not have a node yet": (
        carried(pod(phase="Pending", node=None, conditions=[GATED])),
        PATIENCE,
        Reason.WORKER_UNSCHEDULABLE,
        "pod ij-1-x2k9q gets no node: SchedulingGated: waits for a gate",
    ),
    "its node prepares it": (carried(UNREACHED), REPLACED_AFTER, Reason.DISPATCHED, ON_ITS_WAY),
    "its image can't be pulled": (
        carried(UNPULLED),
        TICK,
        Reason.WORKER_REFUSED,
        "pod ij-1-x2k9q can't start: ErrImagePull: no such image: worker:1",
    ),
    "it runs": (
        carried(RUNNING),
        TICK,
        Reason.PROCESSING,
        "worker pod ij-1-x2k9q runs on node n1",
    ),
    "it runs, whatever was said before": (
        carried(RUNNING, refusal=ANSWER),
        REPLACED_AFTER,
        Reason.PROCESSING,
        "worker pod ij-1-x2k9q runs on node n1",
    ),
}


@pytest.mark.parametrize(("known", "age", "reason", "message"), CASES.values(), ids=CASES)
def test_what_is_said_of_a_worker(
    known: Inputs, age: timedelta, reason: Reason, message: str
) -> None:
    standing = evaluate(known, PLATFORM, CREATED + age)

    assert (standing.reason, standing.message) == (reason, message)
    assert standing.phase == ("Running" if reason is Reason.PROCESSING else "Queued")
    assert standing.waits_for is None


@pytest.mark.parametrize("reason", ["ErrImageNeverPull", "RunContainerError", "SomethingNew"])
def test_a_container_that_won_t_start_is_told_at_once(reason: str) -> None:
    standing = evaluate(carried(pod(phase="Pending", state=waiting(reason))), PLATFORM, CREATED)

    assert standing.reason == Reason.WORKER_REFUSED
    assert standing.message == f"pod ij-1-x2k9q can't start: {reason}: no details are given"


@pytest.mark.parametrize("reason", sorted(UNREMARKABLE))
def test_a_container_that_waits_for_its_turn_is_on_its_way(reason: str) -> None:
    standing = evaluate(carried(pod(phase="Pending", state=waiting(reason))), PLATFORM, CREATED)

    assert standing.reason == Reason.DISPATCHED


def test_a_pod_that_the_kubelet_won_t_start_is_given_up() -> None:
    before = evaluate(carried(UNPULLED), PLATFORM, CREATED + REPLACED_AFTER - TICK)
    after = evaluate(carried(UNPULLED), PLATFORM, CREATED + REPLACED_AFTER)

    assert (before.disruptions, after.disruptions) == (None, 1)
    assert before.until == CREATED + REPLACED_AFTER
    assert after.message == f"{before.message}; another worker follows"


WAITS_ON = {
    "a node": carried(UNPLACED),
    "a pod": carried(refusal=ANSWER),
    "its node": carried(UNREACHED),
}


@pytest.mark.parametrize("known", WAITS_ON.values(), ids=WAITS_ON)
def test_what_costs_nothing_is_never_given_up(known: Inputs) -> None:
    assert evaluate(known, PLATFORM, CREATED + timedelta(days=1)).disruptions is None


def test_a_worker_of_several_that_gets_no_pod_is_given_up() -> None:
    dog = image_job("dog")
    known = inputs(CAT, Worker(worker_job(CAT, dog)), refusal=ANSWER)
    soon, late = evaluate(known, PLATFORM, CREATED + PATIENCE), evaluate(known, PLATFORM, LATE)

    assert soon.reason is late.reason is Reason.WORKER_REFUSED
    assert (soon.disruptions, late.disruptions) == (None, 1)
    assert soon.until == LATE


def test_a_worker_is_looked_at_again_when_patience_ends() -> None:
    assert evaluate(carried(), PLATFORM, CREATED).until == CREATED + PATIENCE


UNMOUNTED = Refusal('secret "uploads-s3" not found', CREATED + timedelta(seconds=25), "ij-1-x2k9q")


@pytest.mark.parametrize(("sandbox", "count"), [("True", None), ("False", 1), ("", None)])
def test_of_a_pod_that_does_not_start_events_give_words_and_its_status_decides(
    sandbox: str, count: int | None
) -> None:
    ready = {"type": "PodReadyToStartContainers", "status": sandbox}
    conditions = [ready] if sandbox else []
    state = waiting("ContainerCreating")
    known = carried(pod(phase="Pending", state=state, conditions=conditions), refusal=UNMOUNTED)
    soon, late = evaluate(known, PLATFORM, CREATED + PATIENCE), evaluate(known, PLATFORM, LATE)

    assert soon.reason is late.reason is Reason.WORKER_REFUSED
    assert soon.message == 'pod ij-1-x2k9q can\'t start: secret "uploads-s3" not found'
    assert (soon.disruptions, late.disruptions) == (None, count)


def test_a_pod_without_warnings_may_take_its_time() -> None:
    silent = Refusal("", UNMOUNTED.until, UNMOUNTED.about)
    standing = evaluate(carried(UNREACHED, refusal=silent), PLATFORM, LATE)

    assert (standing.reason, standing.disruptions) == (Reason.DISPATCHED, None)
