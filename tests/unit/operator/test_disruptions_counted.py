"""The pods that the cluster took away from one ImageJob, counted as they are replaced."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from api_objects import (
    EARLIER,
    carried,
    disrupted,
    image_job,
    inputs,
    last_failure,
    pod,
    running,
    worker_job,
)
from deciding import decided, shown
from imagejob_operator.imagejob.decide import WriteStatus
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker

CAT = image_job()
CREATED = datetime.fromisoformat(EARLIER)
AT_WORK = pod(state=running())
REPLACEMENT = pod(suffix="new", state=running())
TICK = timedelta(milliseconds=100)


def test_a_pod_in_place_of_another_counts_as_a_disruption() -> None:
    memory = decided(carried(AT_WORK)).history

    evicted = decided(carried(pod(**disrupted())), memory)
    gone = decided(carried(), evicted.history, CREATED + TICK)
    coming = decided(carried(pod(suffix="new", phase="Pending")), gone.history)
    replaced = decided(carried(REPLACEMENT), coming.history)
    still = decided(carried(REPLACEMENT), replaced.history)

    counts = [each.history.disruptions for each in (evicted, gone, coming, replaced, still)]
    assert counts == [0, 0, 0, 1, 1]
    assert shown(carried(REPLACEMENT), still.history).status.disruptions == 1


RESUMED = CREATED + timedelta(hours=1)
ON_AGAIN = worker_job(
    CAT,
    version=12,
    status={
        "conditions": [
            {"type": "Suspended", "status": "False", "lastTransitionTime": RESUMED.isoformat()}
        ]
    },
)


def made(at: datetime, suffix: str) -> Pod:
    return pod(suffix=suffix, state=running(), meta_more={"creationTimestamp": at.isoformat()})


@pytest.mark.parametrize(
    ("before", "count"),
    [
        ((), 0),
        ((pod(state=running()),), 0),
        ((made(RESUMED + TICK, "x2k9q"),), 1),
    ],
    ids=["and its pod is forgotten", "under its pod", "before the pod that was taken away"],
)
def test_a_pod_that_ended_with_a_suspension_is_no_disruption(
    before: tuple[Pod, ...], count: int
) -> None:
    memory = decided(carried(AT_WORK)).history
    after = made(RESUMED + 2 * TICK, "new")

    known = inputs(CAT, Worker(ON_AGAIN, after, past=before))

    assert decided(known, memory, RESUMED + 3 * TICK).history.disruptions == count


def test_a_worker_in_place_of_a_silent_one_counts_as_a_disruption() -> None:
    memory = decided(carried(AT_WORK)).history

    moved = decided(carried(pod("ij-2", state=running()), worker_job(CAT, name="ij-2")), memory)

    assert moved.history.disruptions == 1


def test_a_disruption_is_seen_after_a_restart_too() -> None:
    job = shown(carried(AT_WORK))

    same = decided(carried(AT_WORK, job=job))
    replaced = decided(carried(REPLACEMENT, job=job))

    assert (same.history.disruptions, replaced.history.disruptions) == (0, 1)


def test_disruptions_are_counted_on_after_a_restart() -> None:
    job = image_job(status={"disruptions": 4, "phase": "Queued"})

    assert decided(inputs(job)).history.disruptions == 4


@pytest.mark.parametrize("attempt", [0, 1])
def test_a_worker_after_a_failed_one_is_no_disruption(attempt: int) -> None:
    memory = decided(carried(AT_WORK)).history
    job = image_job(status=last_failure(attempt, worker="ij-1"))
    next_worker = worker_job(job, name="ij-2")

    went_on = decided(carried(pod("ij-2", state=running()), next_worker, job), memory)
    disturbed = decided(
        carried(pod("ij-2", suffix="new", state=running()), next_worker, job), went_on.history
    )

    assert went_on.history.disruptions == 0
    assert disturbed.history.disruptions == 1


def test_the_eleventh_disruption_ends_it() -> None:
    memory = msgspec.structs.replace(decided(carried(AT_WORK)).history, disruptions=10)

    decision = decided(carried(REPLACEMENT), memory)

    assert isinstance(decision.action, WriteStatus)
    status = decision.action.status
    assert (status.phase, status.disruptions) == ("Failed", 11)
    assert status.audit[-1].reason == "WorkerLost"
