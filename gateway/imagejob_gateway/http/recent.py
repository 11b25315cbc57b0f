"""Values that are made again only when they are old: one for each key."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Recent(Generic[K, T]):
    """Makes the value of a key at most once in so many seconds, and forgets it then."""

    def __init__(
        self,
        make: Callable[[K], T],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._made: dict[K, tuple[float, T]] = {}  # the oldest first

    def get(self, key: K) -> T:
        """Return the value; raises what `make` raises."""
        now = self._clock()
        self._forget(now - self._seconds)
        if key not in self._made:
            self._made[key] = (now, self._make(key))
        return self._made[key][1]

    def _forget(self, before: float) -> None:
        while self._made:
            key, (at, _) = next(iter(self._made.items()))
            if at > before:
                return
            del self._made[key]
