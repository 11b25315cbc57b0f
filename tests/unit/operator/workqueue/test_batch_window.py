"""When namespaces are planned, and which are held while the API server is overloaded."""

from __future__ import annotations

import pytest
from imagejob_operator.workqueue.batch_window import HOLD, MAX_HOLD, MOMENT, SHARE, BatchWindow
from support.clocks import Clock

MANY = [f"team-{number}" for number in range(1000)]


def after(seconds: float, looked_at: list[str] | None = None) -> BatchWindow:
    """That long after those were planned."""
    clock = Clock()
    rhythm = BatchWindow(clock)
    rhythm.looked_at(["a"] if looked_at is None else looked_at, clock.now)
    clock.now += seconds
    return rhythm


def test_the_first_round_is_immediate() -> None:
    assert BatchWindow(Clock()).wait == 0.0


def test_the_next_time_is_after_a_moment() -> None:
    assert after(0.0).wait == pytest.approx(MOMENT)
    assert after(MOMENT).wait == 0.0


def test_looking_leaves_the_most_of_the_time_to_others() -> None:
    clock = Clock()
    rhythm = BatchWindow(clock)
    clock.now += 0.5
    rhythm.looked_at(["a"], clock.now - 0.5)

    assert rhythm.wait == pytest.approx(SHARE * 0.5)


def test_one_that_was_looked_at_a_moment_ago_is_held() -> None:
    assert after(0.0).held(["a", "b"]) == {"a"}


def test_it_is_held_for_longer_the_more_there_are() -> None:
    assert after(HOLD).held(["a"]) == set()
    assert after(HOLD).held(["a", "b"]) == {"a"}
    assert after(2 * HOLD).held(["a", "b"]) == set()


def test_no_namespace_is_held_for_longer_than_the_maximum() -> None:
    assert after(MAX_HOLD, MANY).held(MANY) == set()
    assert after(MAX_HOLD - HOLD, MANY).held(MANY) == set(MANY)


def test_what_was_looked_at_long_ago_is_forgotten() -> None:
    rhythm = after(MAX_HOLD, MANY)
    rhythm.held(["a"])

    assert not rhythm._looked_at
