"""A key that fails again and again is retried later each time."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from imagejob_operator.kube.backoff import Backoff
from imagejob_operator.workqueue.backoff import Failing, KeyBackoff
from support.api_objects import NOW

FIRST, LONGEST = timedelta(seconds=2), timedelta(seconds=16)


BACKOFF = Backoff(FIRST, LONGEST)


class Keys(KeyBackoff):
    """All with the same pauses."""

    def __init__(self) -> None:
        super().__init__(Random(1))

    def fail(self, key: str, now: datetime) -> Failing:
        return self.failed(key, now, BACKOFF)


def pauses(keys: Keys, count: int, key: str = "uid") -> list[timedelta]:
    """Until each retry, which fails when it is due."""
    now, found = NOW, []
    for _ in range(count):
        due = keys.fail(key, now).due
        found.append(due - now)
        now = due
    return found


def test_each_failure_when_the_key_is_due_makes_the_next_pause_longer() -> None:
    first, second, *_, last = pauses(Keys(), 9)

    assert first <= FIRST < second <= 2 * FIRST < last <= LONGEST


def test_a_failure_within_its_pause_does_not_count_and_leaves_the_time_of_the_retry() -> None:
    keys = Keys()
    first = keys.fail("uid", NOW)
    within, after = keys.fail("uid", NOW + FIRST / 2), keys.fail("uid", first.due)

    assert (within.count, within.due) == (first.count, first.due)
    assert after.count == 2
    assert [each.is_new for each in (first, within, after)] == [True, False, True]


def test_a_success_begins_anew_and_concerns_no_other_key() -> None:
    keys = Keys()
    pauses(keys, 5)
    pauses(keys, 5, "other")

    keys.forget("uid")

    assert keys.fail("uid", NOW + timedelta(hours=1)).count == 1
    assert keys.fail("other", NOW + timedelta(hours=1)).count == 6


def test_a_clock_that_was_set_back_lengthens_no_pause() -> None:
    keys = Keys()
    keys.fail("uid", NOW)
    now = NOW - timedelta(hours=1)

    assert keys.fail("uid", now).due <= now + LONGEST
