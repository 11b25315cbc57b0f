"""The number of concurrent requests: as many as the server answers without queueing."""

from __future__ import annotations

import pytest
from imagejob_operator.kube.concurrency_limiter import (
    FEW,
    LEAST,
    MANY,
    MOST,
    PERIOD,
    PROBE,
    AdaptiveConcurrencyLimiter,
)
from support.clocks import Clock

QUICK = 0.005


def answered(
    limiter: AdaptiveConcurrencyLimiter, clock: Clock, count: int, seconds: float, kind: str = "PUT"
) -> AdaptiveConcurrencyLimiter:
    """Record that many requests, one after the other, each with that duration."""
    for _ in range(count):
        clock.now += QUICK
        limiter.took(kind, seconds)
    return limiter


def settled(at_once: float, clock: Clock | None = None) -> AdaptiveConcurrencyLimiter:
    """The limiter after many requests to a server that works on that many at once."""
    clock = clock or Clock()
    limiter = AdaptiveConcurrencyLimiter(clock)
    for _ in range(int(3 * PERIOD / QUICK)):
        answered(limiter, clock, 1, QUICK * max(1.0, limiter.limit / at_once))
    return limiter


def test_it_begins_with_the_least() -> None:
    assert AdaptiveConcurrencyLimiter().limit == LEAST


def test_a_server_that_never_has_anything_wait_is_given_the_most() -> None:
    assert settled(at_once=1000).limit == MOST


@pytest.mark.parametrize("at_once", [4, 8, 16])
def test_a_few_wait_at_a_server_that_has_its_limits(at_once: int) -> None:
    waiting = settled(at_once).limit - at_once

    assert FEW - 1 <= waiting <= MANY + 1


def test_a_server_that_has_become_slow_is_given_less() -> None:
    clock = Clock()
    limiter = settled(1000, clock)

    assert answered(limiter, clock, 500, 10 * QUICK).limit < MOST


def test_never_less_than_the_least() -> None:
    clock = Clock()
    limiter = answered(AdaptiveConcurrencyLimiter(clock), clock, 1, QUICK)

    assert answered(limiter, clock, 100, 100 * QUICK).limit == LEAST


def test_kinds_that_take_longer_are_not_taken_for_slow() -> None:
    clock = Clock()
    limiter = AdaptiveConcurrencyLimiter(clock)
    for _ in range(2000):
        answered(limiter, clock, 1, QUICK, "PUT")
        answered(limiter, clock, 1, 10 * QUICK, "DELETE")

    assert limiter.limit == MOST


def test_a_server_that_is_slow_for_good_is_believed_after_a_while() -> None:
    clock = Clock()
    limiter = answered(AdaptiveConcurrencyLimiter(clock), clock, 1, QUICK)

    assert answered(limiter, clock, int(3 * PERIOD / QUICK), 4 * QUICK).limit == MOST


def test_now_and_then_it_sees_how_quick_the_server_can_be() -> None:
    clock = Clock()
    limiter = settled(1000, clock)
    clock.now += PERIOD
    answered(limiter, clock, 1, QUICK)
    probing = limiter.limit
    clock.now += PROBE

    assert (probing, limiter.limit) == (LEAST, MOST)


def test_it_pauses_for_as_long_as_the_server_asks() -> None:
    clock = Clock()
    limiter = AdaptiveConcurrencyLimiter(clock)
    limiter.refused(3.0)
    before = limiter.pause
    clock.now += 3

    assert (before, limiter.pause) == (3.0, 0.0)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    limiter = AdaptiveConcurrencyLimiter(Clock())
    limiter.refused(3.0)
    limiter.refused(1.0)

    assert limiter.pause == 3.0


def test_being_refused_halves_it() -> None:
    limiter = settled(at_once=1000)
    limiter.refused(1.0)

    assert limiter.limit == MOST // 2


def test_an_answer_that_took_no_time_is_taken_for_a_quick_one() -> None:
    limiter = AdaptiveConcurrencyLimiter()
    limiter.took("PUT", 0.0)
    limiter.took("PUT", 0.0)

    assert limiter.limit >= LEAST
