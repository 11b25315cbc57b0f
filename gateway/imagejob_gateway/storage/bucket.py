"""One store's bucket. Methods raise ProblemError."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from imagejob_operator.observability.logging import fields
from yarl import URL

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

    from .signer import Signer

log = logging.getLogger(__name__)

SECONDS = 15 * 60
"""How long our own signatures are valid, for the start of a request."""

WRITE_SECONDS = 30.0
"""How long a store may take a chunk of an object."""

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
MOST_WORDS = 4096
"""Bytes read of an error's body."""

_CODE = re.compile(rb"<Code>([A-Za-z0-9._-]{1,64})</Code>")


class Bucket:
    """Objects under the store's prefix. `public` signs the URLs that clients get."""

    def __init__(
        self,
        name: str,
        prefix: str,
        session: aiohttp.ClientSession,
        signer: Signer,
        public: Signer,
        context: ssl.SSLContext | bool = True,  # noqa: FBT001, FBT002 (as aiohttp has it)
    ) -> None:
        self._name = name
        self._prefix = prefix.removesuffix("/")
        self._session = session
        self._sign = signer
        self._sign_public = public
        self._context = context

    async def put(
        self, key: str, content_type: str, length: int, chunks: AsyncIterator[bytes]
    ) -> None:
        """Store an object as its bytes come, whole or not at all.

        An exception of `chunks` ends the request, and is raised.
        """
        url = self._sign("put_object", SECONDS, Key=self._whole(key))
        headers = {"Content-Length": str(length), "Content-Type": content_type}
        try:
            async with asyncio.timeout(None) as limit:
                source = _Watched(chunks, limit)
                async with self._request("PUT", url, headers, aiter(source)):
                    pass  # a 2xx answer: it is stored
        except TimeoutError as error:
            raise self._failure("it takes no bytes") from error
        except ProblemError:
            if source.error:
                raise source.error from None
            raise

    async def remove(self, key: str) -> None:
        """Delete an object; succeed if it is gone."""
        url = self._sign("delete_object", SECONDS, Key=self._whole(key))
        async with self._request("DELETE", url, {}, None):
            pass

    async def check(self) -> None:
        """Check that the bucket answers to these credentials."""
        async with self._request("HEAD", self._sign("head_bucket", SECONDS), {}, None):
            pass

    def download_url(self, key: str, content_type: str, disposition: str, seconds: int) -> str:
        """Return a URL that anybody may get the object with, as what these headers say."""
        return self._sign_public(
            "get_object",
            seconds,
            Key=self._whole(key),
            ResponseContentType=content_type,
            ResponseContentDisposition=disposition,
        )

    def _whole(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    @asynccontextmanager
    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),  # as it was signed
                headers=headers,
                data=body,
                timeout=TIMEOUT,
                ssl=self._context,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300:
                    raise self._failure(await _code(response) or f"status {response.status}")
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._failure(type(error).__name__) from error

    def _failure(self, why: str) -> ProblemError:
        log.warning("the store fails: %s", why, extra=fields(store=self._name))
        detail = f"The store {self._name} can't be used now: {why}."
        return ProblemError(ProblemReason.STORAGE_UNAVAILABLE, detail)


class _Watched:
    """Passes chunks on, and keeps the exception that ended them: aiohttp replaces it.

    The store has some seconds to take each: aiohttp limits only how long its answer may take.
    """

    def __init__(self, chunks: AsyncIterator[bytes], limit: asyncio.Timeout) -> None:
        self._chunks = chunks
        self._limit = limit
        self.error: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                self._limit.reschedule(asyncio.get_running_loop().time() + WRITE_SECONDS)
                yield chunk
                self._limit.reschedule(None)
        except Exception as error:
            self.error = error
            raise


async def _code(response: aiohttp.ClientResponse) -> str:
    """Return S3's word for the error, if it gives one."""
    found = _CODE.search(await response.content.read(MOST_WORDS))
    return found[1].decode() if found else ""
