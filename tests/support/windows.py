"""What a rate allows, by definition: no window holds more than the limit, wherever it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta


def most_in_any(window: timedelta, times: Iterable[datetime]) -> int:
    """The largest number of `times` in any half-open window `(t - window, t]`."""
    ordered = sorted(times)
    most = first = 0
    for last, time in enumerate(ordered):
        while ordered[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def ideal(arrivals: Iterable[datetime], limit: int, window: timedelta) -> list[datetime]:
    """When a sliding log without delay admits each: immediately, or as soon as the one `limit`
    admissions earlier has left the window.
    """
    admitted: list[datetime] = []
    for index, arrival in enumerate(sorted(arrivals)):
        left = admitted[index - limit] + window if index >= limit else arrival
        admitted.append(max(arrival, left))
    return admitted
