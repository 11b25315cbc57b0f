"""Where an ImageJob stands while no worker has it: named cases through all the checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from api_objects import (
    NOW,
    PLATFORM,
    image_job,
    last_failure,
    pod,
    profile,
    running,
    situation,
    terminated,
    worker_job,
)
from imagejob_operator.api.imagejob import Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.imagejob import retry
from imagejob_operator.imagejob.evaluate import stand
from imagejob_operator.imagejob.inputs import Place, Refusal, Situation
from imagejob_operator.kube.worker import Worker
from imagejob_operator.quota.position import Turn

CAT = image_job()
PROFILED = image_job(profileRef={"name": "web"})
SUSPENDED = image_job(suspend=True)
OVERWRITING = image_job(source={"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"})
FAILED_ONCE = image_job(status=last_failure(1, "StorageUnavailable", message="no answer"))

SOON = NOW + timedelta(seconds=1)
SECOND = timedelta(seconds=1)
FOURTH = Turn(4, NOW + timedelta(minutes=30))
DISPATCHED = Place(admitted_at=NOW, dispatch="ij-2")
REFUSED = Refusal("exceeded quota: pods", SOON)


HELD = {
    "no store": (
        situation(stores={}),
        ("Pending", Reason.STORE_NOT_FOUND, 'there is no ImageStore "uploads" yet'),
    ),
    "no destination store": (
        situation(image_job(destination={"storeRef": {"name": "public"}})),
        ("Pending", Reason.STORE_NOT_FOUND, 'there is no ImageStore "public" yet'),
    ),
    "no profile": (
        situation(PROFILED),
        ("Pending", Reason.PROFILE_NOT_FOUND, 'there is no ImageProfile "web" yet'),
    ),
    "suspended, whatever else is missing": (
        situation(SUSPENDED, stores={}, place=Place()),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "suspended once it was admitted": (
        situation(SUSPENDED),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "suspended while it waits for another attempt": (
        situation(image_job(suspend=True, status=last_failure(1))),
        ("Pending", Reason.SUSPENDED, "spec.suspend is true"),
    ),
    "an output would overwrite the source": (
        situation(OVERWRITING),
        (
            "Failed",
            Reason.INVALID_SPEC,
            'output "thumb" would overwrite the source, derived/cat/thumb.webp',
        ),
    ),
}

CHARGED = {
    "nobody has looked at the quota": (
        situation(place=Place()),
        ("Pending", Reason.REQUESTED, "waits for the operator to look at the quota"),
    ),
    "the quota is used up": (
        situation(place=Place(turn=FOURTH, limit="50 per 1h", slot=SECOND)),
        (
            "Throttled",
            Reason.QUOTA_USED_UP,
            "waits for the quota of 50 per 1h: 4th in line, goes on at 2026-11-22 10:30:01 UTC",
        ),
    ),
    "the quota is used up, and it may not wait": (
        situation(place=Place(turn=FOURTH, excess="7 ImageJobs wait for the quota already")),
        ("Failed", Reason.QUOTA_EXCEEDED, "7 ImageJobs wait for the quota already"),
    ),
    "the quota is used up, but it was admitted before": (
        situation(place=Place(NOW, turn=Turn(1), excess="7 ImageJobs wait for the quota already")),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
    "admitted": (
        situation(),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
    "admitted, and its profile is there": (
        situation(PROFILED, profile=profile()),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
    "admitted, and others are before it": (
        situation(place=Place(NOW, turn=Turn(3))),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 3rd in line"),
    ),
    "another worker writes to its destination": (
        situation(rival="ij-other"),
        (
            "Queued",
            Reason.DESTINATION_BUSY,
            "worker Job ij-other still writes to derived/cat/",
        ),
    ),
    "its worker is promised": (
        situation(place=DISPATCHED),
        ("Queued", Reason.DISPATCHED, "worker Job ij-2 is being created"),
    ),
    "its worker was refused a moment ago": (
        situation(refusal=REFUSED),
        ("Queued", Reason.WORKER_REFUSED, "exceeded quota: pods"),
    ),
    "its worker was refused, and is tried again": (
        situation(refusal=REFUSED, place=DISPATCHED),
        ("Queued", Reason.WORKER_REFUSED, "exceeded quota: pods"),
    ),
    "its last attempt failed a moment ago": (
        situation(FAILED_ONCE),
        (
            "Queued",
            Reason.STORAGE_UNAVAILABLE,
            "attempt 1 of 4 failed: no answer; it is tried again",
        ),
    ),
    "its last attempt failed, and the next is promised": (
        situation(FAILED_ONCE, place=DISPATCHED),
        ("Queued", Reason.DISPATCHED, "worker Job ij-2 is being created"),
    ),
    "its last worker was lost with others, which cost it nothing": (
        situation(image_job(status=last_failure(0))),
        ("Queued", Reason.WAITING_FOR_WORKER, "waits for a free worker: 1st in line"),
    ),
}

CASES = HELD | CHARGED


@pytest.mark.parametrize(("known", "expected"), CASES.values(), ids=CASES)
def test_where_it_stands(known: Situation, expected: tuple[str, Reason, str]) -> None:
    standing = stand(known, PLATFORM, NOW)

    assert expected == (standing.phase, standing.reason, standing.message)


def test_what_was_admitted_a_moment_ago_has_nothing_to_tell_before_it_is_in_line() -> None:
    places = Place(NOW), Place(NOW, turn=Turn(1))

    assert [stand(situation(place=each), PLATFORM, NOW).is_passing for each in places] == [
        True,
        False,
    ]


WISHES = {
    "suspended": (situation(SUSPENDED, place=Place()), None),
    "held": (situation(stores={}), None),
    "not charged yet": (situation(place=Place()), "admission"),
    "throttled": (situation(place=Place(turn=FOURTH)), "admission"),
    "over the quota, and not to wait": (situation(place=Place(excess="used up")), None),
    "admitted": (situation(), "worker"),
    "its destination is busy": (situation(rival="ij-other"), None),
    "promised": (situation(place=DISPATCHED), None),
    "refused a moment ago": (situation(refusal=REFUSED), None),
    "between two attempts": (situation(FAILED_ONCE), None),
    "a worker has it": (situation(CAT, Worker(worker_job(CAT))), None),
}


@pytest.mark.parametrize(("known", "wish"), WISHES.values(), ids=WISHES)
def test_what_it_is_in_line_for(known: Situation, wish: str | None) -> None:
    assert stand(known, PLATFORM, NOW).wish == wish


def test_a_refused_worker_is_wished_for_again_when_its_time_has_come() -> None:
    before = stand(situation(refusal=REFUSED), PLATFORM, NOW)
    after = stand(situation(refusal=REFUSED), PLATFORM, SOON)

    assert (before.wish, before.until) == (None, SOON)
    assert (after.wish, after.until) == ("worker", None)
    assert before.reason == after.reason == Reason.WORKER_REFUSED


def test_the_next_attempt_comes_when_its_delay_is_over() -> None:
    at = NOW.replace(microsecond=0) + retry.delay("uid-cat", 1, PLATFORM.backoff)

    before = stand(situation(FAILED_ONCE), PLATFORM, at - SECOND)
    after = stand(situation(FAILED_ONCE), PLATFORM, at)

    assert (before.queue, before.until) == (Queue(eligible_at=at), at)
    assert after.reason == Reason.WAITING_FOR_WORKER


def test_a_place_in_line_is_shown_as_the_status_has_it_until_it_is_stale() -> None:
    old = {"position": 5, "eligibleAt": "2026-11-22T10:31:00Z"}
    shown = image_job(status={"phase": "Throttled", "queue": old})

    standing = stand(situation(shown, place=Place(turn=FOURTH, slot=SECOND)), PLATFORM, NOW)

    assert standing.queue is shown.status.queue


PODS = {
    "is on its way": None,
    "runs": pod(state=running()),
    "ended": pod(state=terminated()),
}


@pytest.mark.parametrize("its_pod", PODS.values(), ids=PODS)
def test_what_a_worker_has_is_not_held(its_pod: Any) -> None:
    missing = situation(SUSPENDED, Worker(worker_job(CAT), its_pod), stores={})

    assert stand(missing, PLATFORM, NOW).phase != "Pending"
