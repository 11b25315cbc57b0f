"""Throttles status writes that can wait: one at a time, with a pause after each."""

from __future__ import annotations

import math
from collections.abc import Callable

WORK_REST = 1 / 8
"""The factor by which the pause grows with each action of work per second: when many ImageJobs
finish, few waiting states are worth a write."""


class Load:
    """The recent rate of work: a count that decays with a time constant of one second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._count = 0.0
        self._at = clock()

    def add(self) -> None:
        self._count, self._at = self.rate() + 1, self._clock()

    def rate(self) -> float:
        """Return actions per second."""
        return self._count * math.exp(self._at - self._clock())


class StatusThrottle:
    """One write at a time, then a pause. Times in seconds."""

    def __init__(self, rest: float, patience: float) -> None:
        self._rest = rest
        self._patience = patience
        self._began = -math.inf
        self._next_at = -math.inf

    def begin(self, now: float) -> None:
        self._began, self._next_at = now, math.inf

    def end(self, now: float, load: float) -> None:
        """Record the end of a write; `load` is the rate of work per second."""
        rest = (now - self._began) * (self._rest + WORK_REST * load)
        self._next_at = now + min(rest, self._patience)

    def is_neglected(self, now: float) -> bool:
        """Whether the next write has waited for too long."""
        return now >= max(self._next_at, self._began + self._patience)

    def wait(self, now: float) -> float:
        """Return the seconds until the next write; 0 or less if it may start now."""
        return self._next_at - now
