"""How many requests at once are good for the API server: found by watching how long they take.

The rule of TCP Vegas (L. Brakmo and L. Peterson, "TCP Vegas: End to End Congestion Avoidance on a
Global Internet", IEEE JSAC 13(8), 1995). Of `limit` requests under way, limit x (1 - quickest /
usual) wait in a queue of the server's: the quickest never had to, as far as was seen. A queue of
a few keeps the server busy; a longer one only makes everybody wait, others of its users included.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST, MOST = 4, 32
"""Requests under way, of all kinds."""

FEW, MANY = 2.0, 6.0
"""Of those, how many may wait at the server: with fewer there is room for more."""

PERIOD, PROBE = 30.0, 0.25
"""Seconds that the quickest is remembered, twice over; and at the begin of each such period, as
long as only the least are let through, so that it is seen how quick the server can be."""


class AdaptiveConcurrencyLimiter:
    """Hears of every request that changes something; `clock` in seconds, never stepped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limit = float(LEAST)
        self._began = clock()
        self._quickest: dict[str, float] = {}
        self._quickest_before: dict[str, float] = {}
        self._paused_until = 0.0

    @property
    def limit(self) -> int:
        """How many may be under way now."""
        return LEAST if self._clock() < self._began + PROBE else int(self._limit)

    @property
    def pause(self) -> float:
        """For how many seconds none is to be begun: the server has asked for that."""
        return max(0.0, self._paused_until - self._clock())

    def took(self, kind: str, seconds: float) -> None:
        """A request has been answered. `kind` are those that should take equally long."""
        if self._clock() >= self._began + PERIOD:
            self._began = self._clock()
            self._quickest_before, self._quickest = self._quickest, {}
        self._quickest[kind] = min(seconds, self._quickest.get(kind, seconds))
        quickest = min(self._quickest[kind], self._quickest_before.get(kind, seconds))
        waiting = self._limit * (1 - quickest / seconds) if seconds else 0.0
        if waiting < FEW:
            self._limit = min(MOST, self._limit + 1 / self._limit)
        elif waiting > MANY:
            self._limit = max(LEAST, self._limit - 1 / self._limit)

    def refused(self, seconds: float) -> None:
        """The server has too much to do, and asks to be left alone for so long."""
        self._limit = max(LEAST, self._limit / 2)
        self._paused_until = max(self._paused_until, self._clock() + seconds)
