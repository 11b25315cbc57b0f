"""Connections to an application by the gateway's protocol."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import uvicorn
from imagejob_gateway.http.connections import Connections
from imagejob_gateway.http.protocol import Protocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

SECONDS = 10.0


class Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()


@asynccontextmanager
async def served(
    app: Any, most: int = 100
) -> AsyncIterator[Callable[[], Coroutine[Any, Any, Connection]]]:
    """A server, as what opens a connection to it."""
    all_open, state = Connections(most), ServerState()
    protocol = partial(Protocol, all_open=all_open)
    config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None)  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    found = []

    async def connect() -> Connection:
        place = server.sockets[0].getsockname()
        found.append(Connection(*await asyncio.open_connection(*place)))
        return found[-1]

    try:
        yield connect
    finally:
        for each in found:
            each.writer.close()
        server.close()
        for protocol_ in list(state.connections):
            protocol_.transport.abort()
        await asyncio.sleep(0)  # they are closed in the next round
