"""The bound on the size of a history, from its worst case.

Every slot of a compacted history ends at a multiple of the grid of its age. The *full* history has
a slot at each such end, so all others are parts of it, and a part is never longer than the whole.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.quota.history import FINEST, KEPT, History, grid
from imagejob_operator.quota.rates import Rate, parse_rate
from support.examples import examples

NOW = 1_795_341_600_123
EVER = 10**12
"""More admissions than a namespace will ever have: the sum of the old ones."""


def ends(now: int) -> list[int]:
    """All ends that a history compacted at `now` may have, except the oldest."""
    found = [now // FINEST * FINEST + FINEST]
    while (newest := found[-1] - FINEST) >= now - KEPT:
        while newest % grid(now - newest):
            newest -= newest % grid(now - newest)
        found.append(newest)
    return [end for end in found if end >= now - KEPT]


def most(rate: Rate, width: int) -> int:
    """Admissions that the rate allows in one slot.

    Ones that were rounded when they were up to a width older cover up to two slots.
    """
    return rate.jobs * -(-2 * width // rate.window)


def full(rate: Rate, now: int) -> History:
    slots = [(end, most(rate, grid(now - end))) for end in ends(now)]
    return History((*slots, (slots[-1][0] // 2**22 * 2**22 - 2**22, EVER)))


PHASES = [NOW, NOW + 4_321, NOW + 86_400_000 // 7, 2**40, 2**41 - 1, 2**40 + 2**22 - 9]
LARGEST = parse_rate("1000000/1h")


@pytest.mark.parametrize("now", PHASES)
@pytest.mark.parametrize(
    ("text", "bytes_at_most"),
    [("50/1h", 6 * 1024), ("1000000/1h", 11 * 1024), ("1000000/1s", 16 * 1024)],
)
def test_a_full_history_is_small_at_any_limit(text: str, bytes_at_most: int, now: int) -> None:
    history = full(parse_rate(text), now)

    assert history.compacted(now) == history
    assert len(history.slots) < 2_620
    assert len(history.encode(now)) < bytes_at_most


@settings(max_examples=examples(100))
@given(st.sets(st.integers(0, 2_580), max_size=2_580), st.data(), st.sampled_from(PHASES))
def test_a_part_is_never_longer_than_the_whole(
    chosen: set[int], data: st.DataObject, now: int
) -> None:
    keeps = data.draw(st.booleans())
    whole = full(LARGEST, now)

    part = History(tuple(slot for at, slot in enumerate(whole.slots) if (at in chosen) == keeps))

    assert len(part.encode(now)) <= len(whole.encode(now))


@settings(max_examples=examples(100))
@given(st.lists(st.integers(0, KEPT), max_size=50), st.sampled_from(PHASES))
def test_whatever_is_compacted_is_part_of_the_full_history(ages: list[int], now: int) -> None:
    history = History()
    for age in sorted(ages, reverse=True):
        history = history.add(now - age, 1).compacted(now - age)

    assert set(history.compacted(now).ends) <= set(ends(now))
