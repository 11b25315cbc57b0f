"""Answers to clients that take them too slowly, or have gone.

uvicorn waits without limit for a client to take an answer. Who sends requests and reads nothing
would hold connections, and what is to be sent on them, without a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    import asyncio
    from asyncio import TimerHandle

    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from .connections import Connections

TAKE_SECONDS = 30.0
"""How long a client may take nothing of what is to be sent."""


class Sending(HttpToolsProtocol):
    """One connection, as far as it is about answers."""

    _answering: RequestResponseCycle | None = None
    """The request that is being answered; `cycle` is the last one that has come."""

    _watching: TimerHandle | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        all_open: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all_open = all_open

    def close(self) -> None:
        """Close it, as no request is answered on it, or its client doesn't take the answer."""
        self.transport.abort()  # a close would wait for the client to take what is left

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol. Writing pauses with the first byte that the kernel doesn't take."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol. uvicorn tells it to the last request only."""
        self._stop_watching()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol. Who doesn't take an answer makes room, if need be."""
        super().pause_writing()
        self._watch()
        self._all_open.idle(self)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        self._stop_watching()
        if self.cycle is not None and not self.cycle.response_complete:
            self._all_open.busy(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _watch(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._watching = self.loop.call_later(TAKE_SECONDS, self._look_again, left)

    def _look_again(self, before: int) -> None:
        """Go on as long as the client takes something."""
        if self.transport.get_write_buffer_size() < before:
            self._watch()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
