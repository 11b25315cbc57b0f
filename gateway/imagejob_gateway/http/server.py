"""The HTTP server: uvicorn, with our protocol, bounds and way to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from .connections import Connections
from .protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.types import ASGIApp

    from imagejob_gateway.config import Settings

DRAIN_SECONDS = 20
"""How long requests in progress may take once we are told to stop."""


class Server(uvicorn.Server):
    """A server that ends on a signal without raising it again.

    `stopping` is called then: requests without an end of their own have to be ended.
    """

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn.Server."""
        self._stopping()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(
                number, partial(self.handle_exit, number, None)
            )
        yield


def server(settings: Settings, app: ASGIApp, stopping: Callable[[], None]) -> Server:
    host, port = settings.host_and_port
    return Server(
        uvicorn.Config(
            app,
            host=host or None,  # type: ignore[arg-type]  # asyncio: every address
            port=port,
            http=partial(Protocol, all_open=Connections(settings.max_connections)),  # type: ignore[arg-type]  # as good as a class
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        ),
        stopping,
    )
