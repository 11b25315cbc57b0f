"""The state of an ImageJob without a worker: named cases through all checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from imagejob_operator.api.imagejob import Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.imagejob import retry
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition, Refusal
from imagejob_operator.kube.worker import Worker
from imagejob_operator.quota.position import QueuePosition
from support.api_objects import (
    NOW,
    PLATFORM,
    image_job,
    inputs,
    last_failure,
    pod,
    profile,
    running,
    terminated,
    worker_job,
)

CAT = image_job()
PROFILED = image_job(profileRef={"name": "web"})
SUSPENDED = image_job(suspend=True)
OVERWRITING = image_job(source={"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"})
FAILED_ONCE = image_job(status=last_failure(1, "StorageUnavailable", message="no answer"))

SOON = NOW + timedelta(seconds=1)
SECOND = timedelta(seconds=1)
FOURTH = QueuePosition(4, NOW + timedelta(minutes=30))
DISPATCHED = QuotaPosition(admitted_at=NOW, dispatch="ij-2")
REFUSED = Refusal("exceeded quota: pods", SOON)


HELD = {
    "no store": (
        inputs(stores={}),
        ("Pending", Reason.STORE_NOT_FOUND, 'there is no ImageStore "uploads" yet'),
    ),
    "no destination store": (
        inputs(image_job(destination={"storeRef": {"name": "public"}})),
        ("Pending", Reason.STORE_NOT_FOUND, 'there is no ImageStore "public" yet'),
    ),
    "no profile": (
        inputs(PROFILED),
        ("Pending", Reason.PROFILE_NOT_FOUND, 'there is no ImageProfile "web" yet'),
    ),
    "suspended, whatever else is missing": (
        inputs(SUSPENDED, stores={}, quota=QuotaPosition()),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "suspended once it was admitted": (
        inputs(SUSPENDED),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "suspended while it waits for another attempt": (
        inputs(image_job(suspend=True, status=last_failure(1))),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "an output would overwrite the source": (
        inputs(OVERWRITING),
        (
            "Failed",
            Reason.INVALID_SPEC,
            'output "thumb" would overwrite the source, derived/cat/thumb.webp',
        ),
    ),
}

CHARGED = {
    "nobody has looked at the quota": (
        inputs(quota=QuotaPosition()),
        ("Pending", Reason.REQUESTED, "waits for the operator to evaluate the quota"),
    ),
    "the quota is used up": (
        inputs(quota=QuotaPosition(position=FOURTH, limit="50 per 1h", slot=SECOND)),
        (
            "Throttled",
            Reason.QUOTA_USED_UP,
            "waits for the quota of 50 per 1h: 4th in line, continues at 2026-11-22 10:30:01 UTC",
        ),
    ),
    "the quota is used up, and it may not wait": (
        inputs(
            quota=QuotaPosition(position=FOURTH, excess="7 ImageJobs wait for the quota already")
        ),
        ("Failed", Reason.QUOTA_EXCEEDED, "7 ImageJobs wait for the quota already"),
    ),
    "the quota is used up, but it was admitted before": (
        inputs(
            quota=QuotaPosition(
                NOW, position=QueuePosition(1), excess="7 ImageJobs wait for the quota already"
            )
        ),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
    "admitted": (
        inputs(),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
    "admitted, and its profile is there": (
        inputs(PROFILED, profile=profile()),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
    "admitted, and others are before it": (
        inputs(quota=QuotaPosition(NOW, position=QueuePosition(3))),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 3rd in line"),
    ),
    "another worker writes to its destination": (
        inputs(rival="ij-other"),
        (
            "Queued",
            Reason.DESTINATION_BUSY,
            "worker Job ij-other still writes to derived/cat/",
        ),
    ),
    "its worker is promised": (
        inputs(quota=DISPATCHED),
        ("Queued", Reason.DISPATCHED, "worker Job ij-2 is being created"),
    ),
    "its worker was refused a moment ago": (
        inputs(refusal=REFUSED),
        ("Queued", Reason.WORKER_REFUSED, "exceeded quota: pods"),
    ),
    "its worker was refused, and is tried again": (
        inputs(refusal=REFUSED, quota=DISPATCHED),
        ("Queued", Reason.WORKER_REFUSED, "exceeded quota: pods"),
    ),
    "its last attempt failed a moment ago": (
        inputs(FAILED_ONCE),
        (
            "Queued",
            Reason.STORAGE_UNAVAILABLE,
            "attempt 1 of 4 failed: no answer; it will be retried",
        ),
    ),
    "its last attempt failed, and the next is promised": (
        inputs(FAILED_ONCE, quota=DISPATCHED),
        ("Queued", Reason.DISPATCHED, "worker Job ij-2 is being created"),
    ),
    "its last worker was lost with others, which cost it nothing": (
        inputs(image_job(status=last_failure(0))),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
}

CASES = HELD | CHARGED


@pytest.mark.parametrize(("known", "expected"), CASES.values(), ids=CASES)
def test_where_it_stands(known: Inputs, expected: tuple[str, Reason, str]) -> None:
    standing = evaluate(known, PLATFORM, NOW)

    assert expected == (standing.phase, standing.reason, standing.message)


def test_a_new_admission_is_not_written_before_it_is_in_the_queue() -> None:
    places = QuotaPosition(NOW), QuotaPosition(NOW, position=QueuePosition(1))

    assert [evaluate(inputs(quota=each), PLATFORM, NOW).is_transient for each in places] == [
        True,
        False,
    ]


WISHES = {
    "suspended": (inputs(SUSPENDED, quota=QuotaPosition()), None),
    "held": (inputs(stores={}), None),
    "not charged yet": (inputs(quota=QuotaPosition()), "admission"),
    "throttled": (inputs(quota=QuotaPosition(position=FOURTH)), "admission"),
    "over the quota, and not to wait": (inputs(quota=QuotaPosition(excess="used up")), None),
    "admitted": (inputs(), "worker"),
    "its destination is busy": (inputs(rival="ij-other"), None),
    "promised": (inputs(quota=DISPATCHED), None),
    "refused a moment ago": (inputs(refusal=REFUSED), None),
    "between two attempts": (inputs(FAILED_ONCE), None),
    "a worker has it": (inputs(CAT, Worker(worker_job(CAT))), None),
}


@pytest.mark.parametrize(("known", "waits_for"), WISHES.values(), ids=WISHES)
def test_what_it_is_in_line_for(known: Inputs, waits_for: str | None) -> None:
    assert evaluate(known, PLATFORM, NOW).waits_for == waits_for


def test_a_refused_worker_is_wished_for_again_when_its_time_has_come() -> None:
    before = evaluate(inputs(refusal=REFUSED), PLATFORM, NOW)
    after = evaluate(inputs(refusal=REFUSED), PLATFORM, SOON)

    assert (before.waits_for, before.until) == (None, SOON)
    assert (after.waits_for, after.until) == ("worker", None)
    assert before.reason == after.reason == Reason.WORKER_REFUSED


def test_the_next_attempt_comes_when_its_delay_is_over() -> None:
    at = NOW.replace(microsecond=0) + retry.delay("uid-cat", 1, PLATFORM.backoff)

    before = evaluate(inputs(FAILED_ONCE), PLATFORM, at - SECOND)
    after = evaluate(inputs(FAILED_ONCE), PLATFORM, at)

    assert (before.queue, before.until) == (Queue(eligible_at=at), at)
    assert after.reason == Reason.WAITING_FOR_WORKER


def test_a_place_in_line_is_shown_as_the_status_has_it_until_it_is_stale() -> None:
    old = {"position": 5, "eligibleAt": "2026-11-22T10:31:00Z"}
    shown = image_job(status={"phase": "Throttled", "queue": old})

    standing = evaluate(
        inputs(shown, quota=QuotaPosition(position=FOURTH, slot=SECOND)), PLATFORM, NOW
    )

    assert standing.queue is shown.status.queue


PODS = {
    "is on its way": None,
    "runs": pod(state=running()),
    "ended": pod(state=terminated()),
}


@pytest.mark.parametrize("its_pod", PODS.values(), ids=PODS)
def test_what_a_worker_has_is_not_held(its_pod: Any) -> None:
    missing = inputs(SUSPENDED, Worker(worker_job(CAT), its_pod), stores={})

    assert evaluate(missing, PLATFORM, NOW).phase != "Pending"
