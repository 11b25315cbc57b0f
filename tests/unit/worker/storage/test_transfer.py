"""How slow a transfer may be: a minimum of bytes per second, over any 30 seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_worker.storage.transfer import WINDOW, TransferRate

LEAST = 1000


def slow_at(times: list[float], sizes: list[int], least: int | None = LEAST) -> float | None:
    """When it is first reported as too slow, if it is checked every half second."""
    pace, asked = TransferRate(least, 0), 0.0
    for at, size in zip(times, sizes, strict=True):
        while asked < at:
            if pace.fault(asked):
                return asked
            asked += 0.5
        pace.moved(size, at)
    return None


def steady(seconds: int, rate: int) -> tuple[list[float], list[int]]:
    return [float(second) for second in range(1, seconds + 1)], [rate] * seconds


def test_just_fast_enough_is_fast_enough() -> None:
    assert slow_at(*steady(200, LEAST + 40)) is None


def test_a_drip_is_given_up_once_the_window_is_over() -> None:
    assert slow_at(*steady(200, 1)) == WINDOW


def test_without_a_minimum_any_drip_will_do() -> None:
    assert slow_at(*steady(200, 1), least=None) is None


def test_a_good_start_buys_no_more_than_the_window() -> None:
    times, sizes = steady(200, 1)
    sizes[0] = LEAST * 1000

    found = slow_at(times, sizes)

    assert found is not None
    assert WINDOW <= found <= WINDOW + 3


def test_a_pause_shorter_than_the_window_is_no_fault_if_enough_comes_around_it() -> None:
    assert slow_at([1.0, 28.0, 55.0, 82.0], [LEAST * 40] * 4) is None


def test_what_is_said_names_the_rate() -> None:
    pace = TransferRate(16384, 0)
    pace.moved(5, 1)

    assert pace.fault(29.9) is None
    assert pace.fault(30) == "5 bytes in 30 s, where at least 16384 bytes a second have to move"


@given(st.lists(st.floats(0, 5), max_size=500), st.integers(0, 50))
def test_however_often_something_comes_little_is_kept(pauses: list[float], size: int) -> None:
    pace, now = TransferRate(None, 0), 0.0
    for pause in pauses:
        now += pause
        pace.moved(size, now)

    assert len(pace._marks) <= WINDOW + 2


@pytest.mark.parametrize("rate", [0, 1, LEAST // 2])
@given(quick=st.integers(0, 100))
def test_whenever_it_gets_slow_it_is_said_within_a_window_and_two_seconds(
    rate: int, quick: int
) -> None:
    times, _ = steady(quick + 40, 0)
    sizes = [LEAST * 2] * quick + [rate] * 40

    found = slow_at(times, sizes)

    assert found is not None
    assert found <= max(WINDOW, quick + WINDOW) + 2
