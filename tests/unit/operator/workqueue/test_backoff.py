"""How long a key waits after failures in a row, and which of them are logged."""

from __future__ import annotations

from random import Random

from imagejob_operator.workqueue.backoff import FIRST, LONGEST, KeyBackoff


def test_it_waits_twice_as_long_after_each_failure_up_to_a_bound() -> None:
    backoff = KeyBackoff(Random(1))

    delays = [backoff.failed("uid") for _ in range(50)]

    for doublings, delay in enumerate(delays):
        longest = min(LONGEST, FIRST * 2 ** min(doublings, 10))
        assert 0.75 * longest <= delay <= longest


def test_a_success_begins_anew_and_concerns_no_other_key() -> None:
    backoff = KeyBackoff(Random(1))
    for _ in range(5):
        backoff.failed("uid")
        backoff.failed("other")
    backoff.forget("uid")

    assert backoff.failed("uid") <= FIRST
    assert backoff.failed("other") >= 0.75 * LONGEST


def test_a_failure_is_told_once_in_a_row() -> None:
    backoff = KeyBackoff()

    told = [backoff.is_new("uid"), backoff.is_new("uid"), backoff.is_new("other")]
    backoff.forget("uid")

    assert told == [True, False, True]
    assert backoff.is_new("uid")
