"""Limits concurrent requests by their latency, so that queues at the API server stay short.

This is TCP Vegas' rule (L. Brakmo and L. Peterson, "TCP Vegas: End to End Congestion Avoidance on a
Global Internet", IEEE JSAC 13(8), 1995). Of `limit` concurrent requests, limit x (1 - quickest /
usual) wait in a queue at the server: the quickest observed one did not. A short queue keeps the
server busy; a longer one only adds latency, for its other clients too.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST, MOST = 4, 32
"""Bounds of the limit, for requests of all kinds."""

FEW, MANY = 2.0, 6.0
"""Requests that may queue at the server: with fewer the limit grows, with more it shrinks."""

PERIOD, PROBE = 30.0, 0.25
"""Seconds after which the quickest request is forgotten, a period later; and seconds at the start
of each period with the least concurrency, to measure how quick the server can be."""


class AdaptiveConcurrencyLimiter:
    """Adapts to every write request; `clock` is in seconds and monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limit = float(LEAST)
        self._began = clock()
        self._quickest: dict[str, float] = {}
        self._quickest_before: dict[str, float] = {}
        self._paused_until = 0.0

    @property
    def limit(self) -> int:
        """How many requests may run concurrently now."""
        return LEAST if self._clock() < self._began + PROBE else int(self._limit)

    @property
    def pause(self) -> float:
        """For how many seconds to start none, as the server asked by Retry-After."""
        return max(0.0, self._paused_until - self._clock())

    def took(self, kind: str, seconds: float) -> None:
        """Record an answered request. Requests of one `kind` should take equally long."""
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
        """Record that the server is overloaded and asked to be left alone for `seconds`."""
        self._limit = max(LEAST, self._limit / 2)
        self._paused_until = max(self._paused_until, self._clock() + seconds)
