"""On a socket: who doesn't take what it is sent, or has gone, holds no connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from imagejob_gateway.http import connections, sending
from imagejob_gateway.http.connections import Connections
from imagejob_gateway.http.protocol import Protocol
from support.http_connections import SECONDS, served
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

LARGE = 32 * 1024 * 1024
"""Bytes: more than the kernel takes for one who reads nothing."""

GET = b"GET / HTTP/1.1\r\n\r\n"
ASKED = pytest.mark.parametrize("requests", [GET, GET * 3], ids=["one answer", "several"])


async def large(_: Any, __: Any, send: Any) -> None:
    headers = [(b"content-length", str(LARGE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * LARGE})


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Event]:
    """What is set when the server has lost a connection."""
    waiting: list[asyncio.Event] = []
    connection_lost = Protocol.connection_lost

    def noted(self: Protocol, exc: Exception | None) -> None:
        connection_lost(self, exc)
        for each in waiting:
            each.set()

    monkeypatch.setattr(Protocol, "connection_lost", noted)
    return waiting


async def ends_unread(requests: bytes, lost: list[asyncio.Event], newcomers: int) -> None:
    """Ask, and read no more than a first byte; wait until the server drops the connection."""
    ended = asyncio.Event()
    lost.append(ended)
    async with served(large, 1) as connect, asyncio.timeout(SECONDS):
        connection = await connect()
        await connection.say(requests)
        await connection.reader.readexactly(1)
        for _ in range(newcomers):
            await connect()
        await ended.wait()


@ASKED
def test_a_client_that_takes_nothing_is_dropped(
    monkeypatch: pytest.MonkeyPatch, lost: list[asyncio.Event], requests: bytes
) -> None:
    monkeypatch.setattr(sending, "TAKE_SECONDS", 0.05)

    asyncio.run(ends_unread(requests, lost, newcomers=0))


@ASKED
def test_a_client_that_takes_nothing_makes_room(
    monkeypatch: pytest.MonkeyPatch, lost: list[asyncio.Event], requests: bytes
) -> None:
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.0)

    asyncio.run(ends_unread(requests, lost, newcomers=1))


def test_writing_pauses_with_the_first_byte_that_the_kernel_does_not_take() -> None:
    """So little may be left that asyncio's own limit isn't reached."""
    found: list[tuple[int, int]] = []

    async def app(scope: Any, _: Any, send: Any) -> None:
        found.append(scope["state"]["abort"].__self__.get_write_buffer_limits())
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        async with served(app) as connect:
            connection = await connect()
            await connection.say(GET)
            await connection.rest()

    asyncio.run(run())
    assert found == [(0, 0)]


class Slow:
    """A transport whose client takes so much of what is left."""

    def __init__(self, *left: int) -> None:
        self.left = list(left)
        self.aborted = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.left.pop(0)

    def abort(self) -> None:
        self.aborted.set()


def test_a_client_that_goes_on_taking_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TAKE_SECONDS", 0.0)

    async def run() -> list[int]:
        config = uvicorn.Config(large, ws="none", lifespan="off", log_config=None)
        protocol = Protocol(config, ServerState(), {}, all_open=Connections(1))
        slow: Any = Slow(30, 20, 20, 10, 10, 10, 5)  # each look compares two
        protocol.transport, protocol.flow = slow, FlowControl(slow)
        protocol.pause_writing()
        async with asyncio.timeout(SECONDS):
            await slow.aborted.wait()
        left: list[int] = slow.left
        return left

    assert asyncio.run(run()) == [5]


def test_a_request_learns_that_its_client_has_gone_though_another_waits() -> None:
    """uvicorn tells it to the one that came last only."""

    async def run() -> None:
        began, ended = asyncio.Event(), asyncio.Event()

        async def following(_: Any, receive: Any, __: Any) -> None:
            began.set()
            while (await receive())["type"] != "http.disconnect":
                pass
            ended.set()

        async with served(following) as connect, asyncio.timeout(SECONDS):
            connection = await connect()
            await connection.say(GET * 2)
            await began.wait()
            connection.writer.transport.abort()
            await ended.wait()

    asyncio.run(run())
