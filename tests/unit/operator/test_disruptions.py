"""Pods that the cluster takes away: that costs no attempt, but somebody should see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from api_objects import (
    NOW,
    PLATFORM,
    disrupted,
    done,
    failed,
    image_job,
    inputs,
    pod,
    report,
    running,
    terminated,
    worker_job,
)
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract.carried import SILENCE
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, JobState
from imagejob_operator.imagejob.outcome import MAX_DISRUPTIONS
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker

CAT = image_job(retries=0)
CARRIED = worker_job(CAT)
STARTED = datetime.fromisoformat("2026-11-22T09:59:58Z")
ALLOWED = 180
TICK = timedelta(milliseconds=1)


def carried(its_pod: Pod | None = None, **more: Any) -> Inputs:
    return inputs(CAT, Worker(CARRIED, its_pod), **more)


def standing_of(known: Inputs, now: datetime = NOW) -> JobState:
    return evaluate(known, PLATFORM, now)


TAKEN = {
    "before it started": pod(**disrupted()),
    "while it ran": pod(state=terminated("", 137), **disrupted()),
    "by the kubelet": pod(**disrupted(reason="Evicted", message="the node was low on memory")),
}


@pytest.mark.parametrize("its_pod", TAKEN.values(), ids=TAKEN)
def test_a_pod_that_the_cluster_took_away_costs_no_attempt(its_pod: Pod) -> None:
    standing = standing_of(carried(its_pod))

    assert (standing.phase, standing.reason) == ("Queued", Reason.EVICTED)
    assert standing.message == "the cluster took away its pod; a new one comes"
    assert standing.failure is None
    assert not standing.worker_is_spent


def test_a_pod_that_was_taken_away_after_its_report_has_reported() -> None:
    late = pod(state=terminated(report(done()), 137), **disrupted())

    assert standing_of(carried(late)).phase == "Succeeded"


def test_a_pod_that_is_not_replaced_is_lost() -> None:
    gave_up = {"conditions": [{"type": "Failed", "status": "True", "message": "no more pods"}]}
    ended = Worker(worker_job(CAT, status=gave_up), pod(state=terminated("", 137), **disrupted()))

    standing = standing_of(inputs(CAT, ended))

    assert (standing.phase, standing.reason) == ("Failed", Reason.WORKER_LOST)


def test_a_pod_whose_node_is_silent_is_given_up() -> None:
    quiet = carried(pod(state=running(), deadline=ALLOWED))
    heard_by = STARTED + timedelta(seconds=ALLOWED) + SILENCE

    before = standing_of(quiet, heard_by - TICK)
    after = standing_of(quiet, heard_by)

    assert (before.phase, before.worker_is_spent) == ("Running", False)
    assert (after.phase, after.reason) == ("Queued", Reason.EVICTED)
    assert after.worker_is_spent
    assert after.message == "nothing was heard of pod ij-1-x2k9q since its deadline"
    assert after.failure is None


def test_a_pod_without_a_deadline_may_be_silent() -> None:
    quiet = carried(pod(state=running()))

    assert standing_of(quiet, NOW + timedelta(days=1)).phase == "Running"


STATES = {
    "without a worker": inputs(CAT),
    "on its way": carried(),
    "running": carried(pod(state=running())),
    "evicted": carried(pod(**disrupted())),
}


@pytest.mark.parametrize("known", STATES.values(), ids=STATES)
def test_ten_pods_may_be_taken_away_and_the_next_is_the_last(known: Inputs) -> None:
    def after(disruptions: int) -> JobState:
        counted = {"disruptions": disruptions}
        return standing_of(inputs(known.job, known.worker, **counted))

    worn_out = after(MAX_DISRUPTIONS + 1)

    assert after(MAX_DISRUPTIONS).phase != "Failed"
    assert (worn_out.phase, worn_out.reason) == ("Failed", Reason.WORKER_LOST)
    assert worn_out.message == (
        "the cluster took away its pods 11 times: evictions, drains or lost nodes"
    )


REPORTS = {
    "it succeeded": (done(), "Succeeded", Reason.SUCCEEDED),
    "it failed": (failed(), "Failed", Reason.CORRUPT_IMAGE),
}


@pytest.mark.parametrize(("entry", "phase", "reason"), REPORTS.values(), ids=REPORTS)
def test_a_report_counts_however_many_pods_were_taken_away(
    entry: Any, phase: str, reason: Reason
) -> None:
    ended = carried(pod(state=terminated(report(entry))), disruptions=MAX_DISRUPTIONS + 1)

    standing = standing_of(ended)

    assert (standing.phase, standing.reason) == (phase, reason)
