"""Collects changes before namespaces are planned, so that they share ledger writes and workers.

Namespaces are planned together, so that free slots are shared fairly, and then not for a moment, so
that later arrivals go into one ledger write and one worker. When the API server is overloaded, a
namespace is held for longer, unless a whole worker's worth of ImageJobs waits: fewer and fuller
workers relieve the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

MOMENT = 0.05
"""The minimum of seconds between two rounds."""

SHARE = 4.0
"""The pause after a round, as a multiple of the time that planning took."""

HOLD, MAX_HOLD = 0.15, 5.0
"""Seconds that a namespace is held while the API server is overloaded: for each namespace in the
round, and at most."""


class BatchWindow:
    """The window between two rounds; `clock` is in seconds and monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_at = clock()
        self._looked_at: dict[str, float] = {}

    @property
    def wait(self) -> float:
        """Seconds until the next round; 0 if it may start now."""
        return max(0.0, self._next_at - self._clock())

    def held(self, namespaces: Collection[str]) -> set[str]:
        """Return the namespaces that were planned too recently."""
        now, hold = self._clock(), min(MAX_HOLD, HOLD * len(namespaces))
        self._looked_at = {name: at for name, at in self._looked_at.items() if now < at + MAX_HOLD}
        return {name for name in namespaces if now < self._looked_at.get(name, now - hold) + hold}

    def looked_at(self, namespaces: Iterable[str], began: float) -> None:
        """Record that these namespaces were planned, starting at `began`."""
        now = self._clock()
        self._looked_at.update(dict.fromkeys(namespaces, now))
        self._next_at = now + max(MOMENT, SHARE * (now - began))
