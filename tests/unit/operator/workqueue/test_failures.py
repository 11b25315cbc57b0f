"""A key that fails again and again is retried later each time."""

from __future__ import annotations

from datetime import timedelta

from imagejob_operator.workqueue.failures import FIRST, LONGEST, Failures
from support.api_objects import NOW


def pauses(failures: Failures, count: int) -> list[timedelta]:
    """Until each retry, which fails when it is due."""
    now, found = NOW, []
    for _ in range(count):
        due = failures.failed("uid", now)
        assert due
        found.append(due - now)
        now = due
    return found


def test_pauses_double_up_to_a_bound() -> None:
    found = pauses(Failures(), 40)

    assert found[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert found[-1] == LONGEST


def test_a_failure_within_its_pause_changes_nothing() -> None:
    failures = Failures()
    due = failures.failed("uid", NOW)

    assert failures.failed("uid", NOW + FIRST / 2) is None
    assert due == NOW + FIRST


def test_a_success_ends_it() -> None:
    failures = Failures()
    pauses(failures, 5)

    failures.succeeded("uid")

    assert failures.failed("uid", NOW) == NOW + FIRST


def test_keys_do_not_bear_on_each_other() -> None:
    failures = Failures()
    pauses(failures, 5)

    assert failures.failed("other", NOW) == NOW + FIRST
