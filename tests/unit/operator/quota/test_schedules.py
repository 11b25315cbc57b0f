"""The promise of the quota, attacked by 11,000 generated schedules.

Each schedule is a list of events in a namespace: bursts and trickles of ImageJobs, passing time
(often to the very edge of a window), limits raised, lowered and with other windows, two writers
whose steps interleave and who lose compare-and-swaps or crash, statuses that show `Admitted` late,
deletions, clocks that differ or are set forward and back. quota_world.World judges each decision
by an ideal sliding log.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from support.examples import examples
from support.quota_world import CHARGED_TWICE, WHOLE_TURN, World

MILLISECOND, SECOND, DAY = 1_000, 1_000_000, 86_400_000_000  # in µs

CROWD = 40
"""ImageJobs that wait at the start of a schedule."""

RATES = [
    ["50/1h"],
    ["3/1s"],
    ["5/10s"],
    ["2/11s"],
    ["1/7d"],
    ["300/1m"],
    ["1000000/1h"],
    ["3/1s", "20/1m"],
    ["7/90s", "40/1h"],
    ["20/1h", "200/7d"],
    ["10/17s", "25/1m", "60/1h", "100/1d"],
]
STRIDES = [
    1, MILLISECOND, 8 * MILLISECOND, 64 * MILLISECOND, 700 * MILLISECOND, 7 * SECOND, 30 * SECOND,
    5 * 60 * SECOND, 1800 * SECOND, DAY // 3, 8 * DAY,
]  # fmt: skip

Event = tuple[Any, ...]
ARRIVALS: list[Event] = [("arrive", count) for count in (1, 1, 2, 7, 60, 300)]
TRICKLES: list[Event] = [("trickle", 12, parts) for parts in (3, 20, 119, 500)]
TURNS: list[Event] = [("go", writer, WHOLE_TURN) for writer in (0, 1)] * 8
STEPS: list[Event] = [("go", writer, steps) for writer in (0, 1) for steps in (1, 2)] * 3
WAITS: list[Event] = [
    *(("wait", stride) for stride in STRIDES),
    *(("linger", rule, parts) for rule in (0, 1, 2, 3) for parts in (1, 3, 20, 120)),
]
EDGES: list[Event] = [
    ("edge", rule, offset)
    for rule in range(4)
    for offset in (-1, 0, MILLISECOND, 8 * MILLISECOND, 50 * MILLISECOND, 30 * SECOND)
]
LIMITS: list[Event] = [("limit", rates) for rates in RATES]
SHOWN: list[Event] = [("show", count) for count in (1, 5, 300)] * 3
TROUBLE: list[Event] = [
    *(("crash", writer) for writer in (0, 1)),
    *(("look", writer) for writer in (0, 1)),
    *(("delete", index) for index in (0, 3)),
    *(("skew", writer, by * MILLISECOND) for writer in (0, 1) for by in (0, 300, 450)),
]
CLOCKS: list[Event] = [
    *(("wait", -stride) for stride in STRIDES),
    *(("wait", stride) for stride in (8 * DAY, 30 * DAY)),
    *(("skew", 1, by * SECOND) for by in (0, -3, -20, 4000)),
]
STEADY = [
    *ARRIVALS, *TRICKLES, *TURNS, *STEPS, *WAITS, *EDGES, *LIMITS, *SHOWN, *TROUBLE
]  # fmt: skip
RACES: list[Event] = [
    ("arrive", 1),
    *(("go", writer, steps) for writer in (0, 1) for steps in (1, 1, 2, WHOLE_TURN)),
    *(("crash", writer) for writer in (0, 1)),
    ("show", CROWD),
    ("wait", SECOND),
]

rates = st.sampled_from(RATES)


def schedules(events: list[Event]) -> st.SearchStrategy[list[Event]]:
    return st.lists(st.sampled_from(events), min_size=15, max_size=45)


def run(rates: list[str], schedule: list[Event], *, hasty: bool = False) -> World:
    world = World(rates, hasty=hasty)
    world.arrive(CROWD)
    for name, *arguments in schedule:
        getattr(world, name)(*arguments)
    world.finish()
    return world


@settings(max_examples=examples(5_000))
@given(rates, schedules(STEADY))
def test_no_window_holds_too_many_and_none_waits_for_longer_than_a_slot(
    rates: list[str], schedule: list[Event]
) -> None:
    world = run(rates, schedule)

    assert world.log.put_back_at is None


@settings(max_examples=examples(4_500))
@given(rates, schedules([*STEADY, *CLOCKS]))
def test_a_clock_that_is_put_back_or_forward_costs_one_window_at_most(
    rates: list[str], schedule: list[Event]
) -> None:
    run(rates, schedule)


def test_nine_days_at_the_edge_of_three_limits() -> None:
    """Long enough for every grid, and for the oldest to be summed up."""
    world = World(["20/1h", "360/1d", "2000/7d"])

    for turn in range(2_200):
        world.arrive(2 if turn % 100 < 80 else 0)
        world.wait(354 * SECOND + turn * MILLISECOND)
        world.go(turn % 2, WHOLE_TURN)
        world.show(CROWD)
        if turn % 20 == 0:
            world.crash(turn // 20 % 2)

    ledger, _ = world.read()
    assert sum(count for _, count in ledger.history.slots) == len(world.log.times) > 2_100
    assert len(ledger.history.slots) < 300


@settings(max_examples=examples(1_500))
@given(schedules(RACES))
def test_reading_the_ledger_first_charges_none_twice(schedule: list[Event]) -> None:
    run(["1000/1h"], schedule)


STALE_PICTURE: list[Event] = [
    ("go", 0, 1),  # the first writer has read one of the two
    ("go", 1, WHOLE_TURN),  # the second one charges the crowd …
    ("show", CROWD),  # … which shows, so …
    ("crash", 1),
    ("go", 1, WHOLE_TURN),  # … the ledger forgets it, …
    ("go", 0, WHOLE_TURN - 1),  # … and the first one continues
]


def test_a_picture_from_after_the_ledger_is_never_stale() -> None:
    run(["1000/1h"], STALE_PICTURE)


def test_a_picture_from_before_the_ledger_charges_twice_and_the_oracle_sees_it() -> None:
    with pytest.raises(AssertionError, match=CHARGED_TWICE):
        run(["1000/1h"], STALE_PICTURE, hasty=True)


def test_the_generated_schedules_find_the_stale_picture_by_themselves() -> None:
    def charges_twice(schedule: list[Event]) -> bool:
        try:
            run(["1000/1h"], schedule, hasty=True)
        except AssertionError as error:
            return CHARGED_TWICE in str(error)
        return False

    how = settings(max_examples=2_000, derandomize=True, database=None, phases=[Phase.generate])

    assert find(schedules(RACES), charges_twice, settings=how)
