"""Reads what the API server, or whoever is in its place, sends in response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import aiohttp
import msgspec

from .errors import ApiError, TooLargeError, UnreachableError

MAX_PAUSE_SECONDS = 60
"""The longest pause that Retry-After may ask for."""

MAX_BODY = 32 * 1024**2
"""Bytes of a response, or of one watch event. etcd limits an object to 1.5 MiB."""

MAX_ERROR_BODY = 64 * 1024

CHUNK = 128 * 1024


async def read(response: aiohttp.ClientResponse) -> bytes:
    """Read the whole body, or the start of an error's. Raises TooLargeError."""
    most = MAX_BODY if response.status < 300 else MAX_ERROR_BODY
    data = bytearray()
    try:
        async for chunk in response.content.iter_chunked(CHUNK):
            data += chunk
            if len(data) > most:
                break
    finally:
        # At its end the connection is free again; before, it can't be used for another request.
        if not response.content.at_eof():
            response.close()
    if len(data) > most and response.status < 300:
        raise TooLargeError(MAX_BODY)
    return bytes(data[:most])


async def lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield complete lines.

    Raises ApiError when the connection breaks or a line exceeds MAX_BODY.
    """
    begun = bytearray()
    try:
        async for chunk in response.content.iter_chunked(CHUNK):
            *ended, rest = chunk.split(b"\n")
            for part in ended:
                line = bytes(begun + part)
                begun.clear()
                yield line
            begun += rest
            if len(begun) > MAX_BODY:
                raise TooLargeError(MAX_BODY)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise unreached(error) from error


def unreached(error: Exception) -> ApiError:
    """Return the error of a request without a complete response."""
    if isinstance(error, TimeoutError):
        return UnreachableError("the API server did not respond in time")
    return UnreachableError(f"the API server is unreachable: {error!r}")


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """Parse Retry-After in whole seconds, as API servers send it with 429, and with 503 at start
    and stop."""
    value = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(value), MAX_PAUSE_SECONDS)) if value.isdigit() else timedelta()


def message(data: bytes) -> str:
    """Return a Status object's message, or the text as received."""
    try:
        return msgspec.json.decode(data, type=_Status).message
    except (msgspec.DecodeError, ValueError, RecursionError):
        return data[:200].decode(errors="replace")


class _Status(msgspec.Struct):
    message: str = ""
