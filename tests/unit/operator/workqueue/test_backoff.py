"""A key that fails again and again is retried later each time."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from imagejob_operator.workqueue.backoff import KeyBackoff
from support.api_objects import NOW

FIRST, LONGEST = timedelta(seconds=2), timedelta(seconds=16)


def backoff() -> KeyBackoff:
    return KeyBackoff(FIRST, LONGEST, Random(1))


def pauses(keys: KeyBackoff, count: int, key: str = "uid") -> list[timedelta]:
    """Until each retry, which fails when it is due."""
    now, found = NOW, []
    for _ in range(count):
        due = keys.failed(key, now).due
        found.append(due - now)
        now = due
    return found


def test_pauses_double_up_to_a_bound() -> None:
    for doublings, pause in enumerate(pauses(backoff(), 50)):
        longest = min(LONGEST, FIRST * 2 ** min(doublings, 10))
        assert 0.75 * longest <= pause <= longest


def test_a_failure_within_its_pause_does_not_count_and_leaves_the_time_of_the_retry() -> None:
    keys = backoff()
    first = keys.failed("uid", NOW)

    assert keys.failed("uid", NOW + FIRST / 2) == first
    assert keys.failed("uid", first.due).count == 2


def test_a_success_begins_anew_and_concerns_no_other_key() -> None:
    keys = backoff()
    pauses(keys, 5)
    pauses(keys, 5, "other")

    keys.forget("uid")

    assert keys.failed("uid", NOW + timedelta(hours=1)).count == 1
    assert keys.failed("other", NOW + timedelta(hours=1)).count == 6
