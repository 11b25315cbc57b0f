"""When the namespaces are looked at: together, so that the free places go round fairly, and then
not for a moment, so that what comes meanwhile goes into one ledger and one worker.

When the API server has more to do than it can, a namespace is not looked at for longer, unless it
has a whole worker waiting: fewer and fuller workers are what relieves the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

MOMENT = 0.05
"""Seconds from one time to the next, at least."""

SHARE = 4.0
"""So many times what looking has taken is left to all else."""

HOLD, MAX_HOLD = 0.15, 5.0
"""Seconds that a namespace is held when the API server has too much to do: for each that waits to
be looked at, and at most."""


class BatchWindow:
    """`clock` in seconds, never stepped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_at = clock()
        self._looked_at: dict[str, float] = {}

    @property
    def wait(self) -> float:
        """Seconds until the next time; 0 if it may be now."""
        return max(0.0, self._next_at - self._clock())

    def held(self, namespaces: Collection[str]) -> set[str]:
        """Which of those that wait to be looked at have been a moment ago."""
        now, hold = self._clock(), min(MAX_HOLD, HOLD * len(namespaces))
        self._looked_at = {name: at for name, at in self._looked_at.items() if now < at + MAX_HOLD}
        return {name for name in namespaces if now < self._looked_at.get(name, now - hold) + hold}

    def looked_at(self, namespaces: Iterable[str], began: float) -> None:
        """They have been, since `began`."""
        now = self._clock()
        self._looked_at.update(dict.fromkeys(namespaces, now))
        self._next_at = now + max(MOMENT, SHARE * (now - began))
