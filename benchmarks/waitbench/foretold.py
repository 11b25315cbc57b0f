"""The whole wait of a line, worked out by the operator's own functions: no cluster, no clock.

What this can't show, such as writes that are late or lost, `lines.whole_wait` shows on a shorter
line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from imagejob_operator.quota import history as histories
from imagejob_operator.quota.ledger import time_of
from imagejob_operator.quota.position import QueuePosition, fresh, stale_from
from imagejob_operator.quota.rates import forecast, parse_rate

if TYPE_CHECKING:
    from imagejob_operator.api.imagejob import Queue
    from imagejob_operator.quota.history import History
    from imagejob_operator.quota.rates import Forecast, Rate

NOW = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True)
class Told:
    """`refreshes` of a place, against `naive`: all places told anew at each admission."""

    count: int
    admissions: int
    refreshes: int
    naive: int


def in_batches(count: int, quota: str) -> Told:
    """As many as the quota allows were admitted a moment ago, and as many follow at once."""
    rate = parse_rate(quota)
    return _wait(count, rate, histories.of([NOW] * rate.jobs))


def one_by_one(count: int, quota: str) -> Told:
    """As many as the quota allows were admitted evenly in the window that ends now."""
    rate = parse_rate(quota)
    step = rate.window / rate.jobs
    return _wait(count, rate, histories.of(NOW - int(number * step) for number in range(rate.jobs)))


def _wait(count: int, rate: Rate, history: History) -> Told:
    """Every place is looked at whenever somebody goes on; the forecast of the beginning holds."""
    foretold = forecast(history, [rate], NOW, count)
    slot = timedelta(milliseconds=rate.slot)
    times = _times(foretold, count)
    told = [fresh(QueuePosition(place + 1, at)) for place, at in enumerate(times)]
    refreshes = naive = 0
    for at, gone in zip(foretold.times, foretold.totals, strict=True):
        refreshes += _look(told, times, gone, time_of(at * 1000), slot)
        naive += count - gone
    return Told(count, len(foretold.times), refreshes, naive)


def _look(
    told: list[Queue], times: list[datetime], gone: int, now: datetime, slot: timedelta
) -> int:
    """How many of those behind the first `gone` are told their place anew."""
    refreshes = 0
    for place in range(gone, len(told)):
        old = told[place]
        position = QueuePosition(place + 1 - gone, times[place])
        stale = stale_from(old, position, slot)
        if stale and now >= stale:
            told[place] = fresh(position)
            refreshes += 1
    return refreshes


def _times(foretold: Forecast, count: int) -> list[datetime]:
    return [time_of(foretold.at(place + 1) * 1000) for place in range(count)]
