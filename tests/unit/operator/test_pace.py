"""How many requests at once: as many as the server answers without making them wait."""

from __future__ import annotations

import pytest
from clocks import Clock
from imagejob_operator.kube.concurrency_limiter import FEW, LEAST, MANY, MOST, PERIOD, PROBE, Pace

QUICK = 0.005


def answered(pace: Pace, clock: Clock, count: int, seconds: float, kind: str = "PUT") -> Pace:
    """So many requests, one after the other, each in that time."""
    for _ in range(count):
        clock.now += QUICK
        pace.took(kind, seconds)
    return pace


def settled(at_once: float, clock: Clock | None = None) -> Pace:
    """After many requests to a server that works on so many at once and has the others wait."""
    clock = clock or Clock()
    pace = Pace(clock)
    for _ in range(int(3 * PERIOD / QUICK)):
        answered(pace, clock, 1, QUICK * max(1.0, pace.limit / at_once))
    return pace


def test_it_begins_with_the_least() -> None:
    assert Pace().limit == LEAST


def test_a_server_that_never_has_anything_wait_is_given_the_most() -> None:
    assert settled(at_once=1000).limit == MOST


@pytest.mark.parametrize("at_once", [4, 8, 16])
def test_a_few_wait_at_a_server_that_has_its_limits(at_once: int) -> None:
    waiting = settled(at_once).limit - at_once

    assert FEW - 1 <= waiting <= MANY + 1


def test_a_server_that_has_become_slow_is_given_less() -> None:
    clock = Clock()
    pace = settled(1000, clock)

    assert answered(pace, clock, 500, 10 * QUICK).limit < MOST


def test_never_less_than_the_least() -> None:
    clock = Clock()
    pace = answered(Pace(clock), clock, 1, QUICK)

    assert answered(pace, clock, 100, 100 * QUICK).limit == LEAST


def test_kinds_that_take_longer_are_not_taken_for_slow() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(2000):
        answered(pace, clock, 1, QUICK, "PUT")
        answered(pace, clock, 1, 10 * QUICK, "DELETE")

    assert pace.limit == MOST


def test_a_server_that_is_slow_for_good_is_believed_after_a_while() -> None:
    clock = Clock()
    pace = answered(Pace(clock), clock, 1, QUICK)

    assert answered(pace, clock, int(3 * PERIOD / QUICK), 4 * QUICK).limit == MOST


def test_now_and_then_it_sees_how_quick_the_server_can_be() -> None:
    clock = Clock()
    pace = settled(1000, clock)
    clock.now += PERIOD
    answered(pace, clock, 1, QUICK)
    probing = pace.limit
    clock.now += PROBE

    assert (probing, pace.limit) == (LEAST, MOST)


def test_it_pauses_for_as_long_as_the_server_asks() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.refused(3.0)
    before = pace.pause
    clock.now += 3

    assert (before, pace.pause) == (3.0, 0.0)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    pace = Pace(Clock())
    pace.refused(3.0)
    pace.refused(1.0)

    assert pace.pause == 3.0


def test_being_refused_halves_it() -> None:
    pace = settled(at_once=1000)
    pace.refused(1.0)

    assert pace.limit == MOST // 2


def test_an_answer_that_took_no_time_is_taken_for_a_quick_one() -> None:
    pace = Pace()
    pace.took("PUT", 0.0)
    pace.took("PUT", 0.0)

    assert pace.limit >= LEAST
