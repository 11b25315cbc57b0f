"""Server-sent events: as many streams as are good for the gateway, and no longer than needed.

A stream ends after its last event, when its client goes or takes nothing, after half an hour, and
when the gateway is told to stop. Clients come again and get the state as it is then.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from imagejob_gateway.problem import RETRY_SECONDS, ProblemError, ProblemReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

PER_OWNER, IN_ALL = 8, 256
SEND_SECONDS = 10.0
"""How long a client may take an event."""

MOST_SECONDS = 30 * 60.0
RETRY_MILLIS = 3000
"""After which pause a browser comes again."""

MEDIA_TYPE = "text/event-stream"


class Streams:
    """The streams that are open, each by the event that ends it, the oldest of an owner first."""

    def __init__(self, per_owner: int = PER_OWNER, in_all: int = IN_ALL) -> None:
        self._per_owner = per_owner
        self._in_all = in_all
        self._open: dict[str, list[asyncio.Event]] = {}
        self._is_stopping = False

    @contextmanager
    def opened(self, owner: str) -> Iterator[asyncio.Event]:
        """Count a stream, and yield what says that it has to end.

        Raises ProblemError if there are too many.
        """
        self._make_room(owner)
        ending = asyncio.Event()
        if self._is_stopping:
            ending.set()
        self._open.setdefault(owner, []).append(ending)
        try:
            yield ending
        finally:
            self._forget(owner, ending)

    def stop(self) -> None:
        """End all."""
        self._is_stopping = True
        for streams in self._open.values():
            for ending in streams:
                ending.set()

    def _make_room(self, owner: str) -> None:
        """Where all are taken, who has most ends one for who has at least two less."""
        own = len(self._open.get(owner, ()))
        if own < self._per_owner and sum(map(len, self._open.values())) < self._in_all:
            return
        most = max(self._open, key=lambda each: len(self._open[each]))
        if own >= self._per_owner or len(self._open[most]) < own + 2:
            detail = (
                f"Each subject may have {self._per_owner} streams, and all together {self._in_all}."
            )
            raise ProblemError(ProblemReason.TOO_MANY_STREAMS, detail, wait=RETRY_SECONDS)
        oldest = self._open[most][0]
        oldest.set()
        self._forget(most, oldest)

    def _forget(self, owner: str, ending: asyncio.Event) -> None:
        """Count a stream no more; the one that made room isn't counted already."""
        left = [each for each in self._open.get(owner, ()) if each is not ending]
        if left:
            self._open[owner] = left
        else:
            self._open.pop(owner, None)


def event(data: str, kind: str, number: str = "") -> bytes:
    """Render an event; `data` is one line."""
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {kind}\ndata: {data}\n\n".encode()


KEEP_ALIVE = b": nothing new\n\n"
CLOSING, FINISHED, DELETED = (
    event(f'{{"reason":"{why}"}}', "end") for why in ("Closing", "Finished", "Deleted")
)
RETRY = f"retry: {RETRY_MILLIS}\n\n".encode()


class EventStream(Response):
    """Sends events as they come. Raises ProblemError before the first if there are too many."""

    media_type = MEDIA_TYPE

    def __init__(self, events: AsyncGenerator[bytes], streams: Streams, owner: str) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})  # nginx would hold them back
        del self.headers["content-length"]
        self._events = events
        self._streams = streams
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        with self._streams.opened(self._owner) as ending:
            scope["state"]["is_stream"] = True  # for measuring.py
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            sending = asyncio.create_task(self._send(send))
            gone = asyncio.create_task(_gone(receive))
            stopping = asyncio.create_task(ending.wait())
            try:
                await asyncio.wait(
                    {sending, gone, stopping},
                    timeout=MOST_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                await _cancel(sending, stopping)
                await self._end(sending, gone, scope, send)

    async def _send(self, send: Send) -> None:
        """Send all events. Raises TimeoutError if the client takes one too slowly."""
        async with aclosing(self._events) as events:
            async for each in events:
                async with asyncio.timeout(SEND_SECONDS):
                    await send(_part(each))

    async def _end(
        self, sending: asyncio.Task[None], gone: asyncio.Task[None], scope: Scope, send: Send
    ) -> None:
        try:
            if not sending.cancelled():
                sending.result()  # raises what a bug has raised, and TimeoutError
            if not gone.done():
                async with asyncio.timeout(SEND_SECONDS):
                    if sending.cancelled():
                        await send(_part(CLOSING))
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("a stream of events is dropped: its client takes nothing")
            scope["state"]["abort"]()
            await gone
        finally:
            await _cancel(gone)


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone; what it sends meanwhile is ignored."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _part(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}
