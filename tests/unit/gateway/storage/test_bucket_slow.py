"""A store that takes nothing, or answers nothing: a problem in time, not a request without end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from imagejob_gateway.config import StoreSettings
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.storage import bucket, watched_body
from imagejob_gateway.storage.bucket import Bucket
from imagejob_gateway.storage.signer import Signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS = 10.0
LENGTH = 256
PIECE = bytes(64 * 1024)


@asynccontextmanager
async def store(*, takes: bool) -> AsyncIterator[Bucket]:
    """A store that never answers; it reads what is sent only if it `takes` it."""
    transports: list[asyncio.Transport] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transports.append(writer.transport)
        while takes and await reader.read(1 << 20):
            pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1)
    port = server.sockets[0].getsockname()[1]

    def sign(*_: Any, **__: Any) -> Signed:
        headers = {"Content-Length": str(LENGTH * len(PIECE))}
        return Signed(f"http://127.0.0.1:{port}/key", headers)

    async with aiohttp.ClientSession() as session:
        signer: Any = sign
        yield Bucket(StoreSettings("uploads", ""), "", session, signer, signer)
    server.close()
    for each in transports:
        each.abort()
    await asyncio.sleep(0)  # they are closed in the next round


async def pieces(pause: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(LENGTH):
        yield PIECE
        await asyncio.sleep(pause)


def refused(*, takes: bool) -> ProblemError:
    async def run() -> ProblemError:
        async with asyncio.timeout(SECONDS), store(takes=takes) as found:
            with pytest.raises(ProblemError) as raised:
                await found.put("key", "image/jpeg", LENGTH * len(PIECE), pieces())
            return raised.value

    return asyncio.run(run())


def test_a_store_that_takes_nothing_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_body, "WRITE_SECONDS", 0.2)

    error = refused(takes=False)

    assert error.problem.reason == ProblemReason.STORAGE_UNAVAILABLE
    assert "takes no bytes" in error.problem.detail
    assert error.problem.retry_after


def test_a_store_that_does_not_answer_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "TIMEOUT", aiohttp.ClientTimeout(total=None, sock_read=0.2))

    error = refused(takes=True)

    assert error.problem.reason == ProblemReason.STORAGE_UNAVAILABLE


def test_the_time_of_a_slow_client_is_not_the_store_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """All in all it takes longer than the store may for one piece."""
    monkeypatch.setattr(watched_body, "WRITE_SECONDS", 0.2)
    monkeypatch.setattr(bucket, "TIMEOUT", aiohttp.ClientTimeout(total=None, sock_read=0.2))

    async def run() -> ProblemError:
        async with asyncio.timeout(SECONDS), store(takes=True) as found:
            with pytest.raises(ProblemError) as raised:
                await found.put("key", "image/jpeg", LENGTH * len(PIECE), pieces(0.004))
            return raised.value

    assert "takes no bytes" not in asyncio.run(run()).problem.detail


def test_a_client_that_fails_is_not_logged_as_the_store_s_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PIECE
        raise ProblemError(ProblemReason.INCOMPLETE_BODY, "The client went away.")

    async def run() -> ProblemError:
        async with asyncio.timeout(SECONDS), store(takes=True) as found:
            with pytest.raises(ProblemError) as raised:
                await found.put("key", "image/jpeg", LENGTH * len(PIECE), broken())
            return raised.value

    assert asyncio.run(run()).problem.reason == ProblemReason.INCOMPLETE_BODY
    assert [each.getMessage() for each in caplog.records if "store" in each.getMessage()] == []
