"""The node's connection to the API server: JSON dictionaries in and out, and watches."""

from __future__ import annotations

import asyncio
import base64
import http
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Object = dict[str, Any]
T = TypeVar("T")

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
WATCH_SECONDS = 290
FIRST_RETRY, LAST_RETRY = 0.1, 5.0
UNREACHABLE = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


class Refused(Exception):  # noqa: N818 (an answer, not a fault of the program)
    """The API server rejected a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.transient = status in (429, 500, 502, 503, 504)


class Api:
    """One account's calls. Paths start with / and belong to the API server."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str) -> Object:
        return await self._call("GET", path)

    async def post(self, path: str, body: Object) -> Object:
        return await self._call("POST", path, body)

    async def patch(self, path: str, body: Object, kind: str = STRATEGIC) -> Object:
        return await self._call("PATCH", path, body, kind)

    async def delete(self, path: str, body: Object) -> Object:
        return await self._call("DELETE", path, body)

    async def watch(self, path: str, version: str) -> AsyncIterator[Object]:
        """Events after `version` until the server ends the watch, as it does every few minutes."""
        options = f"watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=WATCH_SECONDS + 30)
        url = f"{path}&{options}&resourceVersion={version}"
        async with self._session.get(url, timeout=timeout) as response:
            await _accept(response)
            # Not `readline`: its limit is smaller than a pod with a work order in it.
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield msgspec.json.decode(line)

    async def _call(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> Object:
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": kind}
        async with self._session.request(method, path, data=data, headers=headers) as response:
            await _accept(response)
            decoded: Object = msgspec.json.decode(await response.read())
            return decoded


async def _accept(response: aiohttp.ClientResponse) -> None:
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise Refused(response.status, (await response.text())[:500])


@asynccontextmanager
async def connect(kubeconfig: bytes) -> AsyncIterator[Api]:
    """The account of a kubeconfig as `imagejob_dev.kubeconfig` writes it: JSON, CA and token."""
    config = msgspec.json.decode(kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    async with aiohttp.ClientSession(
        base_url=cluster["server"],
        headers={"Authorization": f"Bearer {user['token']}"},
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=authority)),
        timeout=aiohttp.ClientTimeout(total=15),
    ) as session:
        yield Api(session)


async def persist(call: Callable[[], Awaitable[T]]) -> T:
    """`call` until it is answered: an API server that is down or overloaded comes back."""
    delay = FIRST_RETRY
    while True:
        try:
            return await call()
        except UNREACHABLE:
            pass
        except Refused as refusal:
            if not refusal.transient:
                raise
        await asyncio.sleep(delay)
        delay = min(LAST_RETRY, delay * 2)
