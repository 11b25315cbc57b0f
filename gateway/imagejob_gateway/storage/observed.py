"""The HTTP session of requests to stores, with each of them counted."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp

from imagejob_gateway.metrics import GIVEN_UP, NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace

    from imagejob_gateway.dialing import Dial

    from .watched_body import WatchedBody

    Stored = Callable[[str, int, float], None]


def session(stored: Stored, dial: Dial) -> aiohttp.ClientSession:
    """Return a session; `stored` gets method, status and seconds.

    In place of a status it may get NO_ANSWER or GIVEN_UP. `dial` opens sockets. A request with a
    body has it as its `trace_request_ctx`.
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
        code = GIVEN_UP if _is_given_up(context.trace_request_ctx, end.exception) else NO_ANSWER
        stored(end.method, code, time.monotonic() - context.began)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(began)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(failed)
    return trace


def _is_given_up(body: WatchedBody | None, error: BaseException) -> bool:
    """Whether the request was ended by the body's client, or by us, and not by the store."""
    if body is not None and body.error is not None:
        return True
    is_late = body is not None and body.is_late
    return isinstance(error, asyncio.CancelledError) and not is_late
