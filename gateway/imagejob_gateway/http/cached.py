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
        self._making: asyncio.Task[T] | None = None
        self._made = float("-inf")

    async def get(self) -> T:
        """Return the value; raises what `make` raises, and asks again then.

        All who come while it is made get it, so nobody waits for more than one.
        """
        making = self._making
        if making is None or (making.done() and not self._holds(making)):
            self._making = making = asyncio.create_task(self._make_it())
        # Others wait for it, too, when the client of this request goes away.
        return await asyncio.shield(making)

    def _holds(self, making: asyncio.Task[T]) -> bool:
        failed = making.cancelled() or making.exception() is not None
        return not failed and self._clock() < self._made + self._seconds

    async def _make_it(self) -> T:
        value = await self._make()
        self._made = self._clock()
        return value
