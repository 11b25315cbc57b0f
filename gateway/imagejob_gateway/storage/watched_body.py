"""The body of a request to a store: who is to blame if it doesn't come to an end.

aiohttp limits only how long an answer may take, and says of both sides' failures the same.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WRITE_SECONDS = 30.0
"""How long a store may take a chunk of an object."""


class WatchedBody:
    """Passes chunks on, and keeps the exception that ended them: aiohttp replaces it.

    The store has WRITE_SECONDS to take each, by `limit`, in which the request is made.
    """

    def __init__(self, chunks: AsyncIterator[bytes], limit: asyncio.Timeout) -> None:
        self._chunks = chunks
        self._limit = limit
        self.error: Exception | None = None

    @property
    def is_late(self) -> bool:
        """Whether the request was ended because the store takes nothing."""
        return self._limit.expired()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                self._limit.reschedule(asyncio.get_running_loop().time() + WRITE_SECONDS)
                yield chunk
                self._limit.reschedule(None)
        except Exception as error:
            self.error = error
            raise
