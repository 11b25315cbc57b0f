"""What a waiting ImageJob's status says about its position, and how rarely it must be updated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import floor, log, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.api.imagejob import Queue
from imagejob_operator.quota.position import (
    TOLERANCE,
    QueuePosition,
    fresh,
    ordinal,
    stale_from,
    waits_for_quota,
    waits_for_worker,
)

NOW = datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC)
SLOT = timedelta(seconds=30)
HOUR = timedelta(hours=1)
LINE = 10_000


def in_seconds(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def shown(old: Queue | None, position: QueuePosition, now: datetime, slot: timedelta) -> Queue:
    """What a status shows from now on."""
    stale = stale_from(old, position, slot) if old else now
    return old if old and (stale is None or now < stale) else fresh(position)


FRESH = {
    "the position": (8, 8),
    "a few have gone": (8, 5),
    "a few have come in between": (8, 9),
    "it is first": (1, 1),
}

STALE = {
    "nothing is shown": (None, 7),
    "half have gone": (8, 4),
    "of an odd number, half have gone": (7, 3),
    "it is first, and was second": (2, 1),
    "it is first, and was third": (3, 1),
    "it is first, and was far away": (9_999, 1),
    "a quarter more are before it": (8, 10),
    "it was first": (1, 2),
}


@pytest.mark.parametrize(("old", "new"), FRESH.values(), ids=FRESH)
def test_a_position_that_is_shown_still(old: int, new: int) -> None:
    queue = Queue(old, NOW)

    assert shown(queue, QueuePosition(new, NOW), NOW, SLOT) is queue


@pytest.mark.parametrize(("old", "new"), STALE.values(), ids=STALE)
def test_a_position_that_is_stale(old: int | None, new: int) -> None:
    assert shown(Queue(old, NOW), QueuePosition(new, NOW), NOW, SLOT) == Queue(new, NOW)


FRESH_TIMES = {
    "the time": (600, 600),
    "none is known": (None, None),
    "a slot later": (100, 130),
    "a slot earlier": (100, 70),
    "later by a tenth of the wait": (9_000, 10_000),
    "earlier by a tenth of the wait": (11_000, 10_000),
    "due a slot ago": (-30, 0),
}

STALE_TIMES = {
    "none was known": (None, 600),
    "none is known any more": (600, None),
    "more than a slot later": (100, 130.001),
    "more than a slot earlier": (100, 69.999),
    "later by more than a tenth of the wait": (8_999.999, 10_000),
    "earlier by more than a tenth of the wait": (11_000.001, 10_000),
    "overdue by more than a slot": (-30.001, 0),
}


def queue_and_turn(old: float | None, new: float | None) -> tuple[Queue, QueuePosition]:
    times = [None if seconds is None else in_seconds(seconds) for seconds in (old, new)]
    return Queue(5, times[0]), QueuePosition(5, times[1])


@pytest.mark.parametrize(("old", "new"), FRESH_TIMES.values(), ids=FRESH_TIMES)
def test_a_time_that_is_shown_still(old: float | None, new: float | None) -> None:
    queue, position = queue_and_turn(old, new)

    assert shown(queue, position, NOW, SLOT) is queue


@pytest.mark.parametrize(("old", "new"), STALE_TIMES.values(), ids=STALE_TIMES)
def test_a_time_that_is_stale(old: float | None, new: float | None) -> None:
    queue, position = queue_and_turn(old, new)

    assert shown(queue, position, NOW, SLOT) == Queue(5, position.eligible_at)


def test_what_is_shown_first_is_exact() -> None:
    at = in_seconds(1_925.337)

    assert shown(None, QueuePosition(137, at), NOW, SLOT) == Queue(137, at)


def test_what_is_stale_is_replaced_whole() -> None:
    """A position and a time from different moments would contradict each other."""
    old, position = Queue(8, in_seconds(1_000)), QueuePosition(4, in_seconds(1_001))

    assert shown(old, position, NOW, SLOT) == Queue(4, in_seconds(1_001))


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_what_is_shown_is_never_far_from_the_truth(old: int, new: int) -> None:
    position = shown(Queue(old), QueuePosition(new), NOW, SLOT).position

    assert position is not None
    assert new <= position < 2 * new or position < new < 1.25 * position
    assert new > 1 or position == 1


def test_ten_thousand_that_are_admitted_fifty_an_hour_are_refreshed_seldom() -> None:
    """Each waits for up to 200 hours; every tenth is followed. The forecast holds."""
    refreshes: dict[int, int] = {}
    for number in range(0, LINE, 10):
        at = NOW + HOUR * (number // 50)
        queue = shown(None, QueuePosition(number + 1, at), NOW, SLOT)
        refreshes[number] = 0
        for hour in range(number // 50):
            gone, old = 50 * (hour + 1), queue
            queue = shown(old, QueuePosition(number + 1 - gone, at), NOW + HOUR * hour, SLOT)
            refreshes[number] += queue is not old

    assert max(refreshes.values()) == 7
    assert sum(refreshes.values()) / len(refreshes) == 5.765
    assert all(count <= log2(number + 1) for number, count in refreshes.items())


@pytest.mark.parametrize("length", [2, 3, 100, 1_023, 1_024, LINE])
def test_the_last_in_line_is_refreshed_log2_times_however_slowly_it_moves(length: int) -> None:
    queue, refreshes = shown(None, QueuePosition(length), NOW, SLOT), 0
    for position in range(length, 0, -1):
        old, queue = queue, shown(queue, QueuePosition(position), NOW, SLOT)
        refreshes += queue is not old

    assert refreshes <= floor(log2(length))
    assert queue.position == 1


def test_a_forecast_that_never_holds_costs_a_few_refreshes_more() -> None:
    """Admissions come half as fast as forecast, so each of them moves the time."""
    wait, queue, refreshes = timedelta(hours=200), None, 0
    for number in range(LINE):
        now = NOW + 2 * wait * number / LINE
        position = QueuePosition(LINE - number, now + wait * (LINE - number) / LINE)
        old, queue = queue, shown(queue, position, now, SLOT)
        refreshes += queue is not old

    assert refreshes <= log2(LINE) + log(wait / SLOT) / log(1 + TOLERANCE)


ORDINALS = {
    1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 10: "10th", 11: "11th", 12: "12th", 13: "13th",
    20: "20th", 21: "21st", 22: "22nd", 23: "23rd", 101: "101st", 111: "111th", 112: "112th",
    113: "113th", 1_000: "1000th", 1_011: "1011th", 10_002: "10002nd",
}  # fmt: skip


@pytest.mark.parametrize(("number", "expected"), ORDINALS.items())
def test_ordinals(number: int, expected: str) -> None:
    assert ordinal(number) == expected


AT = datetime(2026, 11, 22, 10, 32, 5, tzinfo=UTC)
QUOTA_MESSAGES = {
    "place and time": (
        Queue(4, AT),
        "waits for the quota of 50 per 1h: 4th in line, continues at 2026-11-22 10:32:05 UTC",
    ),
    "a time between seconds is not promised too early": (
        Queue(4, AT - timedelta(milliseconds=999)),
        "waits for the quota of 50 per 1h: 4th in line, continues at 2026-11-22 10:32:05 UTC",
    ),
    "a time of another zone": (
        Queue(1, AT.astimezone(timezone(timedelta(hours=9)))),
        "waits for the quota of 50 per 1h: 1st in line, continues at 2026-11-22 10:32:05 UTC",
    ),
    "no time": (Queue(12), "waits for the quota of 50 per 1h: 12th in line"),
    "no place": (
        Queue(None, AT),
        "waits for the quota of 50 per 1h: continues at 2026-11-22 10:32:05 UTC",
    ),
    "neither": (Queue(), "waits for the quota of 50 per 1h"),
}


@pytest.mark.parametrize(("queue", "expected"), QUOTA_MESSAGES.values(), ids=QUOTA_MESSAGES)
def test_waiting_for_the_quota(queue: Queue, expected: str) -> None:
    assert waits_for_quota(queue, "50 per 1h") == expected


def test_waiting_for_a_worker() -> None:
    assert waits_for_worker(Queue(3)) == "waits for a free worker: 3rd in line"
