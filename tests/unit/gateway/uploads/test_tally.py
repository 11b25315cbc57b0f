"""What is done in vain is counted, by names, and bounded in memory."""

from __future__ import annotations

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads import tally
from imagejob_gateway.uploads.tally import Tally
from imagejob_operator.quota.rates import Rate


class World:
    def __init__(self, jobs: int = 3) -> None:
        self.now = 1_000_000
        self.tally = Tally("things", Rate(jobs, "1h"), lambda: self.now)


def refusal(world: World, who: str) -> ProblemError:
    with pytest.raises(ProblemError) as raised:
        world.tally.take(who)
    return raised.value


def test_each_has_a_count_of_its_own_in_a_window() -> None:
    world = World()
    for _ in range(3):
        world.tally.take("a")
        world.now += 60_000

    problem = refusal(world, "a").problem
    world.tally.take("b")

    assert problem.reason == ProblemReason.TOO_MANY_REQUESTS
    assert problem.wait
    assert 57 * 60 <= problem.wait <= 57 * 60 + 30
    world.now += problem.wait * 1000
    world.tally.take("a")
    refusal(world, "a")


def test_a_refusal_isn_t_counted() -> None:
    world = World(1)
    world.tally.take("a")
    wait = refusal(world, "a").problem.wait

    assert refusal(world, "a").problem.wait == wait


def test_those_of_whom_nothing_counts_any_more_are_forgotten() -> None:
    world = World()
    for number in range(10):
        world.tally.count(str(number))
    world.now += 2 * 3_600_000
    for number in range(10):
        world.tally.count(f"later {number}")

    assert all(name.startswith("later") for name in world.tally._counted)


def test_there_are_never_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST", 4)
    world = World(1)
    for number in range(9):
        world.tally.count(str(number))

    assert list(world.tally._counted) == ["5", "6", "7", "8"]
