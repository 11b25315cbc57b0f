"""What a namespace may use: rates, and what they leave at a moment. Arithmetic only.

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
"""No admission is later than window / PARTS after the moment an exact count would allow it."""

MOST_JOBS = 1_000_000
"""As in the CRD."""

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PER = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_JOBS = re.compile(r"[1-9][0-9]{0,6}")


class Rate(msgspec.Struct, frozen=True, dict=True):
    """At most `jobs` admissions in any window of the length `per`, such as `90s`, `1h`, `7d`.

    An admission counts from the end of its slot on, and for `span`: never less than the window
    after it happened, and at most window / PARTS more.

    A history keeps enough detail for that: while an admission counts, its age is below
    121/120 windows, so its grid is at most 121 / (120 × 128) < 1/120 of the window, and `slot` is
    the largest power of two that is. Whether a history was compacted never shows.
    """

    jobs: int
    per: str

    @cached_property
    def window(self) -> int:
        """Milliseconds."""
        return int(self.per[:-1]) * _UNITS[self.per[-1]]

    @cached_property
    def slot(self) -> int:
        """Milliseconds; a power of two."""
        return power_of_two(self.window // PARTS)

    @cached_property
    def tick(self) -> int:
        """Milliseconds; places come free at multiples of it only. A power of two, at most `slot`.

        It is the coarsest that window / PARTS has room for. Admissions that use a place in the
        tick in which it came free fall into the same slots, so a few milliseconds more or less
        don't add up over many windows, and forecasts hold.
        """
        tick = self.slot
        while PARTS * (self.slot + -self.window % tick) > self.window:
            tick //= 2
        return tick

    @cached_property
    def span(self) -> int:
        """How long an admission counts from the end of its slot on: the window in whole ticks."""
        return self.window + -self.window % self.tick

    def frees(self, end: int) -> int:
        """When an admission recorded at `end` gives its place back."""
        return -(-end // self.slot) * self.slot + self.span

    def freed(self, now: int) -> int:
        """What is recorded up to then has given its place back."""
        return (now - self.span) // self.slot * self.slot


def parse_rate(text: str) -> Rate:
    """`"50/1h"`. Raises ValueError for what the CRD would refuse."""
    jobs, _, per = text.strip().partition("/")
    match = _PER.fullmatch(per)
    if not match or not _JOBS.fullmatch(jobs):
        raise ValueError(f"{text!r} is no rate, such as 50/1h")
    if int(jobs) > MOST_JOBS:
        raise ValueError(f"{text!r}: at most {MOST_JOBS} jobs")
    if int(match[1]) * _UNITS[match[2]] > LONGEST_WINDOW:
        raise ValueError(f"{text!r}: the window is at most 7d")
    return Rate(int(jobs), per)


class Policy(msgspec.Struct, frozen=True):
    """All that holds for one namespace. None: no bound of its own."""

    rates: tuple[Rate, ...]
    max_running: int | None = None
    max_waiting: int | None = None
    on_exceeded: OnExceeded = "Wait"
    weight: int = 1

    @property
    def turns_nobody_away(self) -> bool:
        """Whether all may wait, however many they are."""
        return self.on_exceeded == "Wait" and self.max_waiting is None


def policy_of(quota: ImageQuota | None, default: Policy) -> Policy:
    """What a namespace's ImageQuota says; without one, the platform's default."""
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
    """A rate as it stands. `next_available` is None while something remains.

    After a limit was lowered, `used` may exceed it: what was admitted is not taken back.
    """

    rate: Rate
    used: int
    remaining: int
    next_available: int | None


def usage(history: History, rates: Sequence[Rate], now: int) -> tuple[Use, ...]:
    """Each rate as it stands at `now`: first the one that leaves least, or leaves it last."""
    uses = (_use(history, rate, now) for rate in rates)
    return tuple(sorted(uses, key=lambda use: (use.remaining, -(use.next_available or 0))))


def _use(history: History, rate: Rate, now: int) -> Use:
    used = history.count_after(rate.freed(now))
    if used < rate.jobs:
        return Use(rate, used, rate.jobs - used, None)
    return Use(rate, used, 0, rate.frees(history.end_of_newest(rate.jobs)))


def admissible(history: History, rates: Sequence[Rate], now: int, wanted: int) -> int:
    """How many of `wanted` all the rates allow at `now`."""
    return min([wanted, *(_use(history, rate, now).remaining for rate in rates)])


class Forecast(msgspec.Struct, frozen=True):
    """When those who wait will be admitted: at times[i], all up to position totals[i]."""

    times: tuple[int, ...]
    totals: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many are foretold."""
        return self.totals[-1] if self.totals else 0

    def at(self, position: int) -> int:
        """When the one at `position`, from 1, will be. Raises IndexError beyond the forecast."""
        return self.times[bisect_left(self.totals, position)]


def forecast(history: History, rates: Sequence[Rate], now: int, count: int) -> Forecast:
    """The admissions of `count` waiting ImageJobs if nothing else changes.

    Nobody will be admitted before the time predicted. Whoever can't be admitted at `now` will be
    in the smallest of the rates' ticks that begins then, as long as each admission before was in
    the tick in which it became possible, and all possible at `now` have been made. If not
    all had, it is later by the largest of the rates' slots at most: admissions later by a
    multiple of all slots make all after them later by just that.
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
    """A rate's places as time goes on."""

    def __init__(self, history: History, rate: Rate, now: int) -> None:
        self._rate = rate
        self._used = history.count_after(rate.freed(now))
        counted = len(history.ends) - bisect_right(history.ends, rate.freed(now))
        self._leaving = deque(
            (rate.frees(end), count) for end, count in reversed(history.slots[:counted])
        )

    def budget(self, now: int) -> int:
        """Negative after a limit was lowered."""
        while self._leaving and self._leaving[0][0] <= now:
            self._used -= self._leaving.popleft()[1]
        return self._rate.jobs - self._used

    @property
    def opens(self) -> int:
        """When the next place comes free. Asked only of a window that has none."""
        return self._leaving[0][0]

    def take(self, now: int, count: int) -> None:
        self._used += count
        self._leaving.append((self._rate.frees(now + 1), count))
