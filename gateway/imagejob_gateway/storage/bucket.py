"""One store's bucket. Methods raise ProblemError."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from imagejob_operator.observability.logging import fields
from yarl import URL

from imagejob_gateway.problem import ProblemError, ProblemReason

from .direct import Announced, Direct, direct
from .failures import in_words
from .watched_body import WatchedBody

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

    from imagejob_gateway.config import StoreSettings

    from .signer import Signed, Signer

log = logging.getLogger(__name__)

SECONDS = 15 * 60
"""How long our own signatures are valid, for the start of a request."""

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
MOST_WORDS = 4096
"""Bytes read of an answer that is no object."""

NOT_FOUND, PRECONDITION_FAILED = 404, 412

_CODE = re.compile(rb"<Code>([A-Za-z0-9._-]{1,64})</Code>")


class StoredObject(NamedTuple):
    """An object as it is now. `sha256` is in hex, "" if the store doesn't keep it."""

    etag: str
    length: int
    sha256: str


class Bucket:
    """Objects under the store's prefix. `public` signs the URLs that clients get."""

    def __init__(
        self,
        settings: StoreSettings,
        prefix: str,
        session: aiohttp.ClientSession,
        signer: Signer,
        public: Signer,
        context: ssl.SSLContext | bool = True,  # noqa: FBT001, FBT002 (as aiohttp has it)
    ) -> None:
        self._name = settings.name
        self._direct = settings.direct
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
        request = self._sign(
            "put_object",
            SECONDS,
            Key=self._whole(key),
            ContentType=content_type,
            ContentLength=length,
        )
        try:
            async with asyncio.timeout(None) as limit:
                source = WatchedBody(chunks, limit)
                async with self._send("PUT", request, source):
                    pass  # a 2xx answer: it is stored
        except TimeoutError as error:
            raise self._failure("it takes no bytes") from error
        except ProblemError:
            if source.error:
                raise source.error from None
            raise

    async def remove(self, key: str) -> None:
        """Delete an object; succeed if it is gone."""
        request = self._sign("delete_object", SECONDS, Key=self._whole(key))
        async with self._send("DELETE", request):
            pass

    async def check(self) -> None:
        """Check that the bucket answers to these credentials."""
        async with self._send("HEAD", self._sign("head_bucket", SECONDS)):
            pass

    async def stat(self, key: str) -> StoredObject | None:
        """Return what the store says of an object; None if there is none."""
        mode = {"ChecksumMode": "ENABLED"} if self._direct.checksums else {}
        request = self._sign("head_object", SECONDS, Key=self._whole(key), **mode)
        async with self._send("HEAD", request, accepted=(NOT_FOUND,)) as response:
            if response.status == NOT_FOUND:
                return None
            length = int(response.headers.get("Content-Length", "0"))
            return StoredObject(
                response.headers.get("ETag", ""), length, kept_digest(response.headers)
            )

    async def head(self, key: str, etag: str, most: int) -> bytes | None:
        """Return an object's first bytes; None if it is another one by now."""
        request = self._sign(
            "get_object", SECONDS, Key=self._whole(key), IfMatch=etag, Range=f"bytes=0-{most - 1}"
        )
        changed = (NOT_FOUND, PRECONDITION_FAILED)
        async with self._send("GET", request, accepted=changed) as response:
            if response.status in changed:
                return None
            return await _first(response, most)

    async def copy(self, source: str, etag: str, key: str, content_type: str) -> bool:
        """Copy an object within the bucket; return whether it was still that one."""
        request = self._sign(
            "copy_object",
            SECONDS,
            Key=self._whole(key),
            CopySource=f"{self._sign.bucket}/{self._whole(source)}",
            CopySourceIfMatch=etag,
            MetadataDirective="REPLACE",
            ContentType=content_type,
        )
        changed = (NOT_FOUND, PRECONDITION_FAILED)
        async with self._send("PUT", request, accepted=changed) as response:
            if response.status in changed:
                return False
            # A copy that takes long is answered with 200 before it is known how it ends.
            words = await _first(response, MOST_WORDS)
            if b"<CopyObjectResult" not in words:
                raise self._failure(_code(words) or "no result of a copy")
        return True

    async def sha256(self, key: str) -> str:
        """Read an object once, chunk by chunk, and return its digest in hex."""
        digest = hashlib.sha256()
        request = self._sign("get_object", SECONDS, Key=self._whole(key))
        async with self._send("GET", request) as response:
            async for chunk in response.content.iter_any():
                digest.update(chunk)
        return digest.hexdigest()

    def direct(self, key: str, announced: Announced, seconds: int) -> Direct:
        """Return a request by which anybody may put this object."""
        return direct(self._sign_public, self._direct, self._whole(key), announced, seconds)

    def download_url(self, key: str, content_type: str, disposition: str, seconds: int) -> str:
        """Return a URL that anybody may get the object with, as what these headers say."""
        return self._sign_public(
            "get_object",
            seconds,
            Key=self._whole(key),
            ResponseContentType=content_type,
            ResponseContentDisposition=disposition,
        ).url

    def _whole(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        request: Signed,
        body: WatchedBody | None = None,
        accepted: tuple[int, ...] = (),
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request. Raises ProblemError for a status that is no success nor `accepted`."""
        try:
            async with self._session.request(
                method,
                URL(request.url, encoded=True),  # as it was signed
                headers=request.headers,
                data=body and aiter(body),
                trace_request_ctx=body,
                timeout=TIMEOUT,
                ssl=self._context,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300 and response.status not in accepted:
                    words = await _first(response, MOST_WORDS)
                    raise self._failure(_code(words) or f"status {response.status}")
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if body is not None and body.error:  # it isn't the store that failed
                raise body.error from None
            raise self._failure(in_words(error)) from error

    def _failure(self, why: str) -> ProblemError:
        log.warning("the store fails: %s", why, extra=fields(store=self._name))
        detail = f"The store {self._name} can't be used now: {why}."
        return ProblemError(ProblemReason.STORAGE_UNAVAILABLE, detail)


async def _first(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read until `most` bytes are there, or the end is."""
    found = bytearray()
    while len(found) < most and (chunk := await response.content.read(most - len(found))):
        found += chunk
    return bytes(found)


def _code(words: bytes) -> str:
    """Return S3's word for the error, if it gives one."""
    found = _CODE.search(words)
    return found[1].decode() if found else ""


def kept_digest(headers: Mapping[str, str]) -> str:
    """Return the SHA-256 that the store keeps; "" if there is none, or only of parts."""
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return ""
    try:
        digest = base64.b64decode(headers.get("x-amz-checksum-sha256", ""), validate=True)
    except binascii.Error:  # "…-2": of two parts
        return ""
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else ""
