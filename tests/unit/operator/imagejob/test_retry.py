"""What follows a failed attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.api.reasons import FINAL, RETRYABLE, Reason
from imagejob_operator.config.bounds import Bounds
from imagejob_operator.imagejob.retry import JITTER, LONGEST, delay, exhausted, next_attempt
from support.api_objects import image_job

ENDED = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
BASE = timedelta(seconds=10)
OUTAGE = timedelta(seconds=30)


def after(
    reason: Reason, *, attempt: int = 1, was_large: bool = False, retries: int = 3
) -> datetime | None:
    job = image_job(retries=retries)
    return next_attempt(job, reason, attempt, ENDED, was_large, BASE, Bounds())


def again(*, attempt: int = 1) -> datetime:
    return ENDED + delay("uid-cat", attempt, BASE)


@pytest.mark.parametrize("reason", sorted(FINAL))
def test_an_error_that_needs_a_change_is_final_immediately(reason: Reason) -> None:
    assert after(reason) is None


@pytest.mark.parametrize("reason", sorted(RETRYABLE - {Reason.OUT_OF_MEMORY}))
def test_what_a_retry_can_cure_is_tried_again(reason: Reason) -> None:
    assert after(reason) == again()


CASES = {
    "the last retry but one": (
        after(Reason.WORKER_LOST, attempt=2),
        again(attempt=2),
    ),
    "the last retry is still to come": (
        after(Reason.WORKER_LOST, attempt=3),
        again(attempt=3),
    ),
    "the last retry has failed": (
        after(Reason.WORKER_LOST, attempt=4),
        None,
    ),
    "no retries are wanted": (
        after(Reason.STORAGE_UNAVAILABLE, retries=0),
        None,
    ),
    "too little memory": (
        after(Reason.OUT_OF_MEMORY),
        again(),
    ),
    "too little memory, after other failures": (
        after(Reason.OUT_OF_MEMORY, attempt=3),
        again(attempt=3),
    ),
    "the larger memory was too little": (
        after(Reason.OUT_OF_MEMORY, attempt=2, was_large=True),
        None,
    ),
    "too little memory, and no retries are left": (
        after(Reason.OUT_OF_MEMORY, attempt=4),
        None,
    ),
    "too little memory, and no retries are wanted": (
        after(Reason.OUT_OF_MEMORY, retries=0),
        None,
    ),
    "something else, with the larger memory": (
        after(Reason.STORAGE_UNAVAILABLE, attempt=2, was_large=True),
        again(attempt=2),
    ),
}


@pytest.mark.parametrize(("decided", "expected"), CASES.values(), ids=CASES)
def test_what_follows(decided: datetime | None, expected: datetime | None) -> None:
    assert decided == expected


def test_the_end_of_the_attempts_is_reported() -> None:
    assert exhausted("connection refused", 4) == "connection refused (attempt 4 of 4)"


uids = st.uuids().map(str)


@given(uids)
def test_none_fails_if_a_store_is_down_for_half_a_minute(uid: str) -> None:
    """Four attempts without any duration span more than that, whatever the jitter."""
    delays = [delay(uid, attempt, BASE) for attempt in (1, 2, 3)]

    assert sum(delays, timedelta()) > 1.5 * OUTAGE


def test_the_shortest_span_is_that_of_the_lowest_jitter() -> None:
    assert (1 - JITTER) * (10 + 20 + 40) == 52.5


@given(uids, st.integers(1, 2_000), st.integers(0, 3_600_000))
def test_delays_double_up_to_the_longest_give_or_take_the_jitter(
    uid: str, attempt: int, base_millis: int
) -> None:
    base = timedelta(milliseconds=base_millis)
    doubled = min(base.total_seconds() * 2 ** min(attempt - 1, 64), LONGEST.total_seconds())

    seconds = delay(uid, attempt, base).total_seconds()

    assert abs(seconds - doubled) <= JITTER * doubled + 1e-6


def test_delays_are_the_same_in_every_process() -> None:
    """A golden list: a new leader must not change what has been shown."""
    uid = "7f3c9a52-6f0e-4c3c-9d59-0d2f6a1b8e11"

    delays = [delay(uid, attempt, BASE).total_seconds() for attempt in range(1, 8)]

    assert delays == [9.207994, 23.115862, 42.629704, 82.401978, 162.196059, 243.298601, 369.431281]


def test_what_failed_together_is_not_tried_together() -> None:
    """200 delays of 7.5 to 12.5 s leave no second of them empty, nor crowd one."""
    delays = [delay(f"uid-{number}", 1, BASE).total_seconds() for number in range(200)]
    per_second = [sum(at <= one < at + 1 for one in delays) for at in (7.5, 8.5, 9.5, 10.5, 11.5)]

    assert sum(per_second) == 200
    assert all(25 <= count <= 55 for count in per_second)


def test_each_attempt_has_a_jitter_of_its_own() -> None:
    parts = {delay("uid-cat", attempt, BASE) / (BASE * 2 ** (attempt - 1)) for attempt in (1, 2, 3)}

    assert len(parts) == 3
