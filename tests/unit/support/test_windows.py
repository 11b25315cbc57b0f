"""The standard by which admissions are judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.windows import ideal, most_in_any

WINDOW = timedelta(seconds=10)


def at(*seconds: float) -> list[datetime]:
    return [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=each) for each in seconds]


@pytest.mark.parametrize(
    ("seconds", "most"),
    [
        ((), 0),
        ((0, 0, 0), 3),
        ((0, 9.999999), 2),
        ((0, 10), 1),
        ((20, 0, 5, 14, 12), 3),
    ],
    ids=["none", "at once", "just within", "just past", "in any order"],
)
def test_most_in_any_window(seconds: tuple[float, ...], most: int) -> None:
    assert most_in_any(WINDOW, at(*seconds)) == most


@pytest.mark.parametrize(
    ("arrivals", "admitted"),
    [
        ((0, 1), (0, 1)),
        ((0, 1, 2), (0, 1, 10)),
        ((0, 0, 0, 0, 0), (0, 0, 10, 10, 20)),
        ((0, 1, 30, 31, 32), (0, 1, 30, 31, 40)),
    ],
    ids=["within the limit", "one waits", "a burst", "a pause"],
)
def test_an_ideal_log(arrivals: tuple[float, ...], admitted: tuple[float, ...]) -> None:
    assert ideal(at(*arrivals), 2, WINDOW) == at(*admitted)
