"""The JWK Set that an issuer publishes, fetched seldom.

One fetch is in flight at most, and one begins at most every PAUSE_SECONDS, whatever tokens name:
anyone can send tokens. Keys that are known serve at once, while newer ones are fetched.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import aiohttp

from .key_ring import KeyMaterialError, KeyRing, of_key_set

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagejob_gateway.dialing import Dial

    from .key_ring import Key

log = logging.getLogger(__name__)

PAUSE_SECONDS = 30.0
FRESH_SECONDS = 300.0
"""Then a key that the issuer has withdrawn is forgotten."""

STALE_SECONDS = 3600.0
"""How long keys serve while the issuer is down, which issues no new tokens then."""

FETCH_SECONDS = 5.0
LARGEST_SET = 256 * 1024
ACCEPT = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}


class KeysUnavailableError(Exception):
    """The issuer can't be reached, or publishes no keys; and none are known."""


class FetchError(Exception):
    """There is no JWK Set at the URL."""


class KeySetCache:
    """A KeySource. `request` returns the document, or raises what fetch() raises."""

    def __init__(
        self,
        request: Callable[[], Awaitable[bytes]],
        algorithm: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._algorithm = algorithm
        self._clock = clock
        self._ring: KeyRing | None = None
        self._fetched = 0.0
        self._asked = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str | None) -> Key | None:
        """See KeySource."""
        ring = self._known()
        found = ring.find(key_id) if ring else None
        if found is not None and self._clock() < self._fetched + FRESH_SECONDS:
            return found
        fetching = self._ask()
        if found is not None:
            return found
        if fetching is not None:
            # Others wait for it, too, when the client of this request goes away.
            await asyncio.shield(fetching)
            ring = self._known()
        if ring is None:
            raise KeysUnavailableError("the issuer's keys can't be fetched")
        return ring.find(key_id)

    def _known(self) -> KeyRing | None:
        return self._ring if self._clock() < self._fetched + STALE_SECONDS else None

    def _ask(self) -> asyncio.Task[None] | None:
        """Return the fetch in flight, or a new one; None if it is too soon for one."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        if self._clock() < self._asked + PAUSE_SECONDS:
            return None
        self._asked = self._clock()
        self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._ring = of_key_set(await self._request(), self._algorithm)
            self._fetched = self._clock()
        except (FetchError, KeyMaterialError) as error:
            log.warning("an issuer's keys can't be fetched: %s", error)


async def fetch(url: str, dial: Dial) -> bytes:
    """Return what is at the URL itself: not elsewhere, not late, not large. Raises FetchError.

    `dial` opens the socket.
    """
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=dial),
                trust_env=False,
                auto_decompress=False,
            ) as session,
            session.get(url, headers=ACCEPT, allow_redirects=False, timeout=timeout) as response,
        ):
            if response.status != 200:
                raise FetchError(f"{url} answers {response.status}")
            data = bytearray()
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > LARGEST_SET:
                    raise FetchError(f"{url} answers more than {LARGEST_SET} bytes")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise FetchError(f"{url}: {str(error) or type(error).__name__}") from error
    return bytes(data)
