"""The history: coarser with age, never wrong for a quota, bounded. Some 5,500 generated ones."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.quota.history import (
    DETAIL,
    FINEST,
    KEPT,
    LONGEST_WINDOW,
    History,
    HistoryError,
    decode,
    grid,
    of,
)
from imagejob_operator.quota.rates import Rate, usage
from support.examples import examples

NOW = 1_795_341_600_123
SECOND, DAY = 1_000, 86_400_000

ages = st.one_of(
    st.integers(0, 20 * SECOND),
    st.integers(0, DAY),
    st.integers(0, LONGEST_WINDOW + DAY),
    st.integers(3, 22).map(lambda power: DETAIL << power),  # where the grid changes
)
admissions = st.lists(st.tuples(ages, st.integers(1, 1_000_000)), min_size=1, max_size=25)
windows = st.one_of(
    st.integers(1, 59).map("{}s".format),
    st.integers(1, 600).map("{}m".format),
    st.integers(1, 168).map("{}h".format),
    st.integers(1, 7).map("{}d".format),
)


def history(*admitted: tuple[int, int]) -> History:
    """A history of admissions as (how long before NOW, how many)."""
    result = History()
    for age, count in admitted:
        result = result.add(NOW - age, count)
    return result


def total(of: History) -> int:
    return sum(count for _, count in of.slots)


def test_an_admission_is_recorded_at_the_end_of_its_slot() -> None:
    assert History().add(16, 2).add(23, 3).add(24, 1).slots == ((32, 1), (24, 5))


def test_the_grid_widens_with_age_by_powers_of_two() -> None:
    widths = [grid(age) for age in range(0, 2 * KEPT, 99_991)]

    assert widths == sorted(widths)
    assert all(width & (width - 1) == 0 for width in widths)
    assert (grid(-1), grid(0), grid(2047), grid(2048), grid(4095)) == (8, 8, 8, 16, 16)


@settings(max_examples=examples(1_000))
@given(ages, st.lists(st.integers(0, KEPT), max_size=12))
def test_however_often_it_is_rounded_it_drifts_by_less_than_one_width(
    age: int, moments: list[int]
) -> None:
    one = history((age, 1))
    ((exact, _),) = one.slots
    last = NOW
    for moment in sorted(moments):
        last = NOW + moment
        one = one.compacted(last)

    ((end, count),) = one.slots
    assert 0 <= end - exact < grid(max(last - exact, 0))
    assert count == 1


@settings(max_examples=examples(2_500))
@given(st.data(), windows, admissions, st.lists(st.floats(0, 1), max_size=8))
def test_what_a_quota_counts_never_depends_on_when_it_was_compacted(
    data: st.DataObject, per: str, admitted: list[tuple[int, int]], moments: list[float]
) -> None:
    rate = Rate(data.draw(st.integers(1, 1_000_000)), per)
    # Around the time at which an admission leaves the window, every millisecond matters.
    edge = data.draw(st.integers(-1, rate.window // 100 + 10)) + rate.window
    exact = history(*admitted, (edge, 3))
    oldest = max(age for age, _ in [*admitted, (edge, 3)])

    compacted = exact
    for moment in [*sorted(moments), 1]:
        compacted = compacted.compacted(NOW - oldest + int(oldest * moment))

    assert usage(compacted, [rate], NOW) == usage(exact, [rate], NOW)
    assert total(compacted) == total(exact)


def test_its_detail_is_enough_for_every_window_there_is() -> None:
    """The arithmetic of quota.Rate: while an admission counts, its grid is at most the slot."""
    for seconds in range(1, LONGEST_WINDOW // SECOND + 1):
        window = seconds * SECOND
        slot = 1 << (window // 120).bit_length() - 1

        assert grid(window * 121 // 120) <= slot


def test_what_no_window_counts_is_summed_up_and_not_forgotten() -> None:
    old = history((KEPT + 40 * DAY, 7), (KEPT + 30 * DAY, 5), (10, 1)).compacted(NOW)

    assert [count for _, count in old.slots] == [1, 12]
    assert old.slots[1][0] < NOW - KEPT - 29 * DAY


def test_what_the_longest_window_still_counts_is_not_summed_up_with_what_is_older() -> None:
    rate = Rate(10, "7d")
    end = NOW // rate.slot * rate.slot
    exact = of([end - 1] * 3 + [end - rate.slot - 1] * 20)
    last_moment = end + rate.span - 1

    compacted = exact.compacted(last_moment)

    assert usage(compacted, [rate], last_moment) == usage(exact, [rate], last_moment)
    assert usage(compacted, [rate], last_moment)[0].used == 3


def test_what_a_leaping_clock_made_look_old_is_there_when_it_is_put_back() -> None:
    leapt = history((0, 50)).compacted(NOW + 400 * DAY)

    back = leapt.clamped(NOW).compacted(NOW)

    assert usage(back, [Rate(50, "1h")], NOW)[0].remaining == 0


def test_what_is_later_than_now_counts_as_now() -> None:
    later = history((-9_000, 2), (-5_000, 3), (-1, 4), (100, 5))

    clamped = later.clamped(NOW)

    assert clamped.slots == ((NOW // 8 * 8 + 8, 9), later.slots[-1])
    assert clamped.clamped(NOW) is clamped


def test_counts_and_ends() -> None:
    some = history((0, 5), (80, 3), (160, 2))
    first, second, third = some.ends

    assert [some.count_after(time) for time in (first - 1, first, second, third)] == [10, 8, 5, 0]
    assert [some.end_of_newest(count) for count in (1, 5, 6, 8, 9, 10)] == [
        third, third, second, second, first, first
    ]  # fmt: skip


@settings(max_examples=examples(1_000))
@given(admissions, st.integers(0, 30 * DAY))
def test_what_is_written_is_read_back_compacted(
    admitted: list[tuple[int, int]], after: int
) -> None:
    some, now = history(*admitted), NOW + after

    assert decode(some.encode(now), now) == some.compacted(now)


@settings(max_examples=examples(1_000))
@given(st.binary(max_size=40))
def test_any_bytes_are_a_history_or_an_error(data: bytes) -> None:
    try:
        read = decode(base64.b64encode(data).decode(), NOW)
    except HistoryError:
        return
    ends = [end for end, _ in read.slots]
    assert all(older < newer for newer, older in pairwise(ends))
    assert all(end % FINEST == 0 and count > 0 for end, count in read.slots)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("?", "padding|base64"),
        ("A", "base64"),
        ("gA==", "ends within a number"),
        ("Aw==", "slot 0 ends at .*, out of order"),
        ("AA==", "slot 0 counts no admission"),
        ("AgMA", "slot 1 ends at .*, out of order"),
    ],
)
def test_an_invalid_history_is_rejected(text: str, why: str) -> None:
    with pytest.raises(HistoryError, match=why):
        decode(text, NOW)
