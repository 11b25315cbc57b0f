"""On a socket: who has a request keeps the connection, and the others make room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from imagejob_gateway.http import connections
from imagejob_gateway.http.connections import CROWDED
from support.http_connections import SECONDS, Connection, served


async def waiting(scope: Any, receive: Any, send: Any) -> None:
    """Tell whether the connection is a spare one, and then wait for the body."""
    word = b"crowded;" if scope["state"][CROWDED] else b"welcome;"
    headers = [(b"content-length", str(len(word) + 1).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": word, "more_body": True})
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.body", "body": b"!"})


POST = b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"


async def is_crowded(connection: Connection) -> bool:
    await connection.say(POST)
    async with asyncio.timeout(SECONDS):
        return (await connection.reader.readuntil(b";")).endswith(b"crowded;")


async def finish(connection: Connection) -> None:
    await connection.say(b"a")
    async with asyncio.timeout(SECONDS):
        await connection.reader.readuntil(b"!")


def test_a_request_keeps_its_connection_and_newcomers_are_spare(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.0)

    async def run() -> list[bool]:
        async with served(waiting, 2) as connect:
            first, *others = [await connect() for _ in range(2)]
            found = [await is_crowded(each) for each in (first, *others)]
            found.append(await is_crowded(await connect()))
            await finish(first)
            return [*found, await is_crowded(first)]

    assert asyncio.run(run()) == [False, False, True, False]


@pytest.mark.parametrize("said", [b"", b"GET /", POST], ids=["nothing", "a part", "all"])
def test_connections_without_a_request_make_room(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """Whether nothing was said, a part of the headers, or a request that is answered."""
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.0)

    async def run() -> tuple[bool, bytes]:
        async with served(waiting, 1) as connect:
            first = await connect()
            await first.say(said)
            if said == POST:
                await first.reader.readuntil(b";")
                await finish(first)
            return await is_crowded(await connect()), await first.rest()

    assert asyncio.run(run()) == (False, b"")
