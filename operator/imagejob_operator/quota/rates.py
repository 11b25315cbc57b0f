"""Rates, and what they leave at a given time. Arithmetic only.

Times are milliseconds since the epoch, on the ledger's clock.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from functools import cached_property

import msgspec

from imagejob_operator.api.imagequota import ImageQuota, OnExceeded

from .history import LONGEST_WINDOW, History, power_of_two

PARTS = 120
"""No admission is later than window / PARTS after the time that an exact count would allow."""

MOST_JOBS = 1_000_000
"""The maximum in the CRD."""

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PER = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_JOBS = re.compile(r"[1-9][0-9]{0,6}")


class Rate(msgspec.Struct, frozen=True, dict=True):
    """At most `jobs` admissions in any window of length `per`, such as `90s`, `1h`, `7d`.

    An admission counts from the end of its slot, for `span`: never less than the window after it
    happened, and at most window / PARTS longer.

    A history has enough detail for that: while an admission counts, its age is below 121/120
    windows, so its grid is at most 121 / (120 × 128) < 1/120 of the window, and `slot` is the
    largest power of two below that. Whether a history was compacted never shows.
    """

    jobs: int
    per: str

    @cached_property
    def window(self) -> int:
        """The window in milliseconds."""
        return int(self.per[:-1]) * _UNITS[self.per[-1]]

    @cached_property
    def slot(self) -> int:
        """Milliseconds; a power of two."""
        return power_of_two(self.window // PARTS)

    @cached_property
    def tick(self) -> int:
        """Milliseconds; capacity is freed at multiples of it only. A power of two, at most `slot`.

        It is the coarsest that window / PARTS has room for. Admissions that use capacity in the
        tick in which it was freed fall into the same slots, so delays of a few milliseconds don't
        add up over many windows, and forecasts hold.
        """
        tick = self.slot
        while PARTS * (self.slot + -self.window % tick) > self.window:
            tick //= 2
        return tick

    @cached_property
    def span(self) -> int:
        """How long an admission counts from the end of its slot: the window in whole ticks."""
        return self.window + -self.window % self.tick

    def frees(self, end: int) -> int:
        """Return when an admission recorded at `end` stops counting."""
        return -(-end // self.slot) * self.slot + self.span

    def freed(self, now: int) -> int:
        """Return the latest end that no longer counts at `now`."""
        return (now - self.span) // self.slot * self.slot


def parse_rate(text: str) -> Rate:
    """Parse `"50/1h"`. Raises ValueError for what the CRD would reject."""
    jobs, _, per = text.strip().partition("/")
    match = _PER.fullmatch(per)
    if not match or not _JOBS.fullmatch(jobs):
        raise ValueError(f"{text!r} is not a rate, such as 50/1h")
    if int(jobs) > MOST_JOBS:
        raise ValueError(f"{text!r} exceeds {MOST_JOBS} jobs")
    if int(match[1]) * _UNITS[match[2]] > LONGEST_WINDOW:
        raise ValueError(f"{text!r} has a window longer than 7d")
    return Rate(int(jobs), per)


class Policy(msgspec.Struct, frozen=True):
    """Everything that applies to one namespace. None: no limit of its own."""

    rates: tuple[Rate, ...]
    max_running: int | None = None
    max_waiting: int | None = None
    on_exceeded: OnExceeded = "Wait"
    weight: int = 1

    @property
    def lets_all_wait(self) -> bool:
        """Whether any number of ImageJobs may wait."""
        return self.on_exceeded == "Wait" and self.max_waiting is None


def policy_of(quota: ImageQuota | None, default: Policy) -> Policy:
    """Return the policy of a namespace's ImageQuota, or the platform's default without one."""
    if quota is None:
        return default
    spec = quota.spec
    return Policy(
        rates=tuple(Rate(limit.jobs, limit.per) for limit in spec.limits),
        max_running=spec.max_running,
        max_waiting=spec.max_waiting,
        on_exceeded=spec.on_exceeded,
        weight=spec.weight,
    )


class Use(msgspec.Struct, frozen=True):
    """The current use of a rate. `next_available` is None while something remains.

    After a limit was lowered, `used` may exceed it: admissions are not taken back.
    """

    rate: Rate
    used: int
    remaining: int
    next_available: int | None


def usage(history: History, rates: Sequence[Rate], now: int) -> tuple[Use, ...]:
    """Return each rate's use at `now`, sorted: the one that leaves least, or is available last,
    first."""
    uses = (_use(history, rate, now) for rate in rates)
    return tuple(sorted(uses, key=lambda use: (use.remaining, -(use.next_available or 0))))


def _use(history: History, rate: Rate, now: int) -> Use:
    used = history.count_after(rate.freed(now))
    if used < rate.jobs:
        return Use(rate, used, rate.jobs - used, None)
    return Use(rate, used, 0, rate.frees(history.end_of_newest(rate.jobs)))


def admissible(history: History, rates: Sequence[Rate], now: int, wanted: int) -> int:
    """Return how many of `wanted` all rates allow at `now`."""
    return min([wanted, *(_use(history, rate, now).remaining for rate in rates)])


class Forecast(msgspec.Struct, frozen=True):
    """Predicted admissions: at times[i], all up to position totals[i]."""

    times: tuple[int, ...]
    totals: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number of predicted admissions."""
        return self.totals[-1] if self.totals else 0

    def at(self, position: int) -> int:
        """Return the predicted time of `position`, from 1.

        Raises IndexError beyond the forecast.
        """
        return self.times[bisect_left(self.totals, position)]


def forecast(history: History, rates: Sequence[Rate], now: int, count: int) -> Forecast:
    """Predict the admissions of `count` waiting ImageJobs if nothing else changes.

    No ImageJob is admitted before its predicted time. One that can't be admitted at `now` is
    admitted in the smallest of the rates' ticks that begins at its time, provided that each
    admission before was in the tick in which it became possible, and all possible at `now` have
    been made. Otherwise it is later by at most the largest of the rates' slots: a delay by a
    multiple of all slots delays everything after it by exactly as much.
    """
    windows = [_Window(history, rate, now) for rate in rates]
    times: list[int] = []
    totals: list[int] = []
    total = 0
    while total < count:
        room = min([count - total, *(window.budget(now) for window in windows)])
        if room > 0:
            total += room
            times.append(now)
            totals.append(total)
            for window in windows:
                window.take(now, room)
        else:
            now = max(window.opens for window in windows if window.budget(now) <= 0)
    return Forecast(tuple(times), tuple(totals))


class _Window:
    """The free capacity of one rate as time advances."""

    def __init__(self, history: History, rate: Rate, now: int) -> None:
        self._rate = rate
        self._used = history.count_after(rate.freed(now))
        counted = len(history.ends) - bisect_right(history.ends, rate.freed(now))
        self._leaving = deque(
            (rate.frees(end), count) for end, count in reversed(history.slots[:counted])
        )

    def budget(self, now: int) -> int:
        """Return the free capacity; negative after a limit was lowered."""
        while self._leaving and self._leaving[0][0] <= now:
            self._used -= self._leaving.popleft()[1]
        return self._rate.jobs - self._used

    @property
    def opens(self) -> int:
        """The time at which capacity is freed next. Valid only while there is none."""
        return self._leaving[0][0]

    def take(self, now: int, count: int) -> None:
        self._used += count
        self._leaving.append((self._rate.frees(now + 1), count))
