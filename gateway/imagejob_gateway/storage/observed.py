"""The HTTP session of requests to stores, with each of them counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace

    from imagejob_gateway.dialing import Dial

    Stored = Callable[[str, int, float], None]


def session(stored: Stored, dial: Dial) -> aiohttp.ClientSession:
    """Return a session; `stored` gets method, status and seconds; status 0: there was no answer.

    `dial` opens its sockets.
    """
    return aiohttp.ClientSession(
        auto_decompress=False,
        trust_env=False,
        connector=aiohttp.TCPConnector(limit=0, socket_factory=dial),
        skip_auto_headers=("Content-Type", "User-Agent"),
        trace_configs=[_trace(stored)],
    )


def _trace(stored: Stored) -> aiohttp.TraceConfig:
    async def began(
        _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestStartParams
    ) -> None:
        context.began = time.monotonic()

    async def ended(
        _: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        stored(end.method, end.response.status, time.monotonic() - context.began)

    async def failed(
        _: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams
    ) -> None:
        stored(end.method, 0, time.monotonic() - context.began)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(began)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(failed)
    return trace
