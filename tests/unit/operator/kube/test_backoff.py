"""Pauses grow with each failure in a row, up to a bound, and differ."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from imagejob_operator.kube.backoff import JITTER, Backoff

BACKOFF = Backoff(timedelta(seconds=2), timedelta(seconds=16))


def test_pauses_double_up_to_a_bound() -> None:
    dice = Random(1)

    for failures in range(1, 200):
        longest = min(BACKOFF.longest, BACKOFF.first * 2 ** min(failures - 1, 10))
        assert (1 - JITTER) * longest <= BACKOFF.pause(failures, dice) <= longest


def test_what_failed_together_is_not_tried_again_together() -> None:
    assert len({BACKOFF.pause(3) for _ in range(20)}) > 1
