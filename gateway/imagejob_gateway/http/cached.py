"""A value that many requests share for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cached(Generic[T]):
    """Makes a value at most once in so many seconds, and at most one at a time."""

    def __init__(
        self,
        make: Callable[[], Awaitable[T]],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: tuple[float, T] | None = None

    async def get(self) -> T:
        """Return the value; raises what `make` raises, and asks again then."""
        async with self._lock:
            if self._value is None or self._clock() >= self._value[0] + self._seconds:
                self._value = (self._clock(), await self._make())
            return self._value[1]
