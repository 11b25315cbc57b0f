"""How an attempt ended, and whether another follows: named cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from imagejob_operator.api.imagejob import LastFailure, Queue
from imagejob_operator.api.reasons import RETRYABLE, Reason
from imagejob_operator.imagejob import retry
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, JobState
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker
from imagejob_operator.scheduling.batching import APART
from support.api_objects import (
    NOW,
    PLATFORM,
    done,
    failed,
    image_job,
    inputs,
    last_failure,
    pod,
    report,
    terminated,
    worker_job,
)

CAT = image_job(retries=0)
"""It has one attempt, so every failure is final."""
ENDED = datetime.fromisoformat("2026-11-22T09:59:59Z")
TIMED_OUT = failed("TimedOut", "longer than 120 s")
NO_MEMORY = failed("OutOfMemory", "more than 768 MiB")


def ended(state: dict[str, Any] | None = None, **of_pod: Any) -> Inputs:
    return inputs(CAT, Worker(worker_job(CAT), pod(state=state, **of_pod)))


def attempt(number: int, entry: Any, *, retries: int = 3, large: bool = False) -> JobState:
    """The attempt of that number has ended with that entry in its report."""
    job = image_job(retries=retries, status=last_failure(number - 1, worker="ij-0"))
    worker = Worker(
        worker_job(job, size="large" if large else "standard"), pod(state=terminated(report(entry)))
    )
    return evaluate(inputs(job, worker), PLATFORM, NOW)


GAVE_UP = [{"type": "Failed", "status": "True", "message": "Job has reached its backoff limit"}]
SUCCESS = ("Succeeded", Reason.SUCCEEDED, '1 output in store "uploads" under derived/cat/')
LOST = "the worker pod ended without a report"

CASES = {
    "reported done": (ended(terminated(report(done()))), SUCCESS),
    "reported done, and killed after": (ended(terminated(report(done()), 137)), SUCCESS),
    "reported failed": (
        ended(terminated(report(failed()))),
        ("Failed", Reason.CORRUPT_IMAGE, "cut short"),
    ),
    "reported more outputs than were asked for": (
        ended(terminated(report(done(outputs=2)))),
        ("Failed", Reason.WORKER_LOST, f"{LOST}: exit code 0"),
    ),
    "killed before it reported": (
        ended(terminated(report(None), 137)),
        ("Failed", Reason.WORKER_LOST, f"{LOST}: signal 9"),
    ),
    "a termination message that is no report": (
        ended(terminated("Traceback: …", 1)),
        ("Failed", Reason.WORKER_LOST, f"{LOST}: exit code 1"),
    ),
    "the kernel wanted its memory back": (
        ended(terminated("", 137, reason="OOMKilled")),
        ("Failed", Reason.OUT_OF_MEMORY, "the kernel killed the worker pod: it ran out of memory"),
    ),
    "past its deadline": (
        ended(terminated("", 137), phase="Failed", reason="DeadlineExceeded"),
        ("Failed", Reason.TIMED_OUT, "the worker pod ran past its deadline"),
    ),
    "past its deadline, and never started": (
        ended(phase="Failed", reason="DeadlineExceeded"),
        (
            "Queued",
            Reason.WORKER_REFUSED,
            "pod ij-1-x2k9q never ran: DeadlineExceeded; another worker follows",
        ),
    ),
    "ended, and the cluster does not call it a disruption": (
        ended(terminated("", 137), phase="Failed", reason="Gone", message="nobody knows why"),
        ("Failed", Reason.WORKER_LOST, f"{LOST}: signal 9; Gone: nobody knows why"),
    ),
    "a report that its runtime wrote": (
        ended(terminated(report(done()), 128, reason="StartError")),
        (
            "Queued",
            Reason.WORKER_REFUSED,
            f"pod ij-1-x2k9q never ran: StartError: {report(done())}; another worker follows",
        ),
    ),
    "its Job gave up without a pod": (
        inputs(CAT, Worker(worker_job(CAT, status={"conditions": GAVE_UP}))),
        ("Failed", Reason.WORKER_LOST, f"{LOST}: Job has reached its backoff limit"),
    ),
}


@pytest.mark.parametrize(("known", "expected"), CASES.values(), ids=CASES)
def test_how_an_attempt_ended(known: Inputs, expected: tuple[str, Reason, str]) -> None:
    standing = evaluate(known, PLATFORM, NOW)

    assert expected == (standing.phase, standing.reason, standing.message)


@pytest.mark.parametrize("reason", sorted(RETRYABLE - {Reason.WORKER_LOST}))
def test_what_a_retry_can_cure_is_tried_again(reason: Reason) -> None:
    standing = attempt(1, failed(reason.value, "it went wrong"))

    at = ENDED + retry.delay("uid-cat", 1, PLATFORM.backoff)
    assert (standing.phase, standing.reason) == ("Queued", reason)
    assert standing.failure == LastFailure(1, reason.value, "it went wrong", ENDED, "ij-1")
    assert standing.queue == Queue(eligible_at=at)


def test_what_a_retry_can_t_cure_fails_at_the_first_attempt() -> None:
    standing = attempt(1, failed("SourceNotFound", "no such object"))

    assert (standing.phase, standing.message) == ("Failed", "no such object")


MESSAGES = {
    "the first of four": (
        attempt(1, TIMED_OUT),
        "attempt 1 of 4 failed: longer than 120 s; it will be retried",
    ),
    "the third of four": (
        attempt(3, TIMED_OUT),
        "attempt 3 of 4 failed: longer than 120 s; it will be retried",
    ),
    "the last of four": (attempt(4, TIMED_OUT), "longer than 120 s (attempt 4 of 4)"),
    "the only one": (attempt(1, TIMED_OUT, retries=0), "longer than 120 s"),
    "one that needs more memory": (
        attempt(1, NO_MEMORY),
        "attempt 1 of 4 failed: more than 768 MiB; it will be retried with more memory",
    ),
    "a large one that needs yet more memory": (
        attempt(2, NO_MEMORY, large=True),
        "more than 768 MiB",
    ),
}


@pytest.mark.parametrize(("standing", "message"), MESSAGES.values(), ids=MESSAGES)
def test_what_is_said_of_an_attempt(standing: JobState, message: str) -> None:
    assert standing.message == message


ATTEMPTS = {
    "the last of its attempts": (attempt(4, TIMED_OUT), "Failed"),
    "too little memory": (attempt(1, NO_MEMORY), "Queued"),
    "too little memory, once more": (attempt(3, NO_MEMORY), "Queued"),
    "too little memory, and no attempt left": (attempt(4, NO_MEMORY), "Failed"),
    "too little memory in the larger class": (attempt(2, NO_MEMORY, large=True), "Failed"),
    "something else in the larger class": (attempt(2, TIMED_OUT, large=True), "Queued"),
}


@pytest.mark.parametrize(("standing", "phase"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_whether_another_attempt_follows(standing: JobState, phase: str) -> None:
    assert standing.phase == phase
    assert standing.failure is not None


UNREAD = report(None, None, None)
"""The report shows that the worker had begun none of its ImageJobs."""
DEAD = pod(state=terminated(UNREAD, 139))


def lost(count: int, number: int = 1, its_pod: Pod = DEAD) -> JobState:
    """A pod with `count` ImageJobs has died; it was attempt `number` of the first."""
    cat = image_job(status=last_failure(number - 1, worker="ij-0") if number > 1 else None)
    others = [image_job(f"other-{index}") for index in range(1, count)]
    return evaluate(inputs(cat, Worker(worker_job(cat, *others), its_pod)), PLATFORM, NOW)


def test_who_was_alone_in_a_lost_pod_has_lost_an_attempt() -> None:
    standing = lost(count=1)

    message = f"{LOST}: signal 11"
    assert standing.failure == LastFailure(1, "WorkerLost", message, ENDED, "ij-1")
    assert (standing.phase, standing.reason) == ("Queued", Reason.WORKER_LOST)
    assert standing.queue == Queue(eligible_at=ENDED + retry.delay("uid-cat", 1, PLATFORM.backoff))


@pytest.mark.parametrize("number", [1, 4])
def test_who_was_not_alone_in_a_lost_pod_has_lost_none(number: int) -> None:
    standing = lost(count=3, number=number)

    message = f"{LOST}: signal 11"
    assert standing.failure == LastFailure(number - 1, "WorkerLost", message, ENDED, "ij-1")
    assert (standing.phase, standing.reason) == ("Queued", Reason.WORKER_LOST)


NOBODY_S_FAULT = {
    "it died": (DEAD, Reason.WORKER_LOST),
    "the kernel wanted its memory back": (
        pod(state=terminated(UNREAD, 137, reason="OOMKilled")),
        Reason.OUT_OF_MEMORY,
    ),
    "it ran past its deadline": (
        pod(state=terminated(UNREAD, 137), phase="Failed", reason="DeadlineExceeded"),
        Reason.TIMED_OUT,
    ),
}


@pytest.mark.parametrize(("its_pod", "reason"), NOBODY_S_FAULT.values(), ids=NOBODY_S_FAULT)
def test_who_was_not_alone_goes_alone_next_however_the_pod_ended(
    its_pod: Pod, reason: Reason
) -> None:
    together, alone = (lost(count, 4, its_pod) for count in (2, 1))

    assert together.failure is not None
    assert (together.phase, together.reason) == ("Queued", reason)
    assert together.failure.attempt == 3
    assert reason in APART
    assert (alone.phase, alone.reason) == ("Failed", reason)


def test_who_was_reported_on_is_not_lost_with_the_others() -> None:
    cat, dog = image_job("cat", retries=0), image_job("dog")
    both = worker_job(cat, dog)
    state = terminated(report(failed("TimedOut", "longer than 120 s"), None), 139)

    standing = evaluate(inputs(cat, Worker(both, pod(state=state))), PLATFORM, NOW)

    assert (standing.phase, standing.reason) == ("Failed", Reason.TIMED_OUT)


def test_an_attempt_whose_end_was_missed_ended_now() -> None:
    job = image_job()
    given_up = worker_job(job, status={"conditions": GAVE_UP})

    standing = evaluate(inputs(job, Worker(given_up)), PLATFORM, NOW)

    assert standing.failure is not None
    assert standing.failure.time == NOW
    assert standing.queue == Queue(eligible_at=NOW + retry.delay("uid-cat", 1, PLATFORM.backoff))


def test_delays_grow_with_each_attempt() -> None:
    spread = 1 + retry.JITTER
    expected = [10, 20, 40]

    queues = [attempt(number, TIMED_OUT).queue for number in (1, 2, 3)]

    for queue, seconds in zip(queues, expected, strict=True):
        assert queue
        assert queue.eligible_at
        wait = (queue.eligible_at - ENDED) / timedelta(seconds=1)
        assert seconds / spread <= wait <= seconds * spread
