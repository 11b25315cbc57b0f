"""How many connections there may be, of all clients together, and who has to make room.

Those on which a request is answered stay. The others, on which a client has said nothing yet, or
not all of a request's headers, or nothing more, make room for newcomers, the oldest first. If there
are none, a few newcomers are let in, to be told so, and so that probes are answered.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from imagejob_gateway.problem import Problem, ProblemReason

from .problems import rendered

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

SPARE = 64
"""Connections beyond the bound."""

GRACE_SECONDS = 1.0
"""How long a connection may take to say something, as long as not all of the spare ones are used:
a probe's client does so at once."""

CROWDED = "crowded"
"""Under which name the state of a request says that its connection is one of the spare ones."""

PROBES = ("/api/v1/health/live", "/api/v1/health/ready")


class Connection(Protocol):
    """What can be closed."""

    def close(self) -> None: ...


class Connections:
    """The connections that are open, `most` of them but for the spare ones."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._open: set[Connection] = set()
        self._idle: dict[Connection, float] = {}  # since when; the longest first

    def opened(self, connection: Connection) -> bool:
        """Take a new one in; return whether it is a spare one. One beyond those is closed."""
        self._open.add(connection)
        self.idle(connection)
        excess = len(self._open) - self._most
        if excess > 0:
            oldest, since = next(iter(self._idle.items()))
            is_old = oldest is not connection and self._clock() - since >= GRACE_SECONDS
            if is_old or excess > SPARE:
                self.closed(oldest)
                oldest.close()
        return len(self._open) > self._most

    def busy(self, connection: Connection) -> None:
        """Note that a request is there."""
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        """Note that no request is there, or that it is answered."""
        if connection in self._open:
            self._idle.setdefault(connection, self._clock())

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)
        self._idle.pop(connection, None)


class Crowded:
    """Refuses what comes on spare connections, but for probes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if not scope.get("state", {}).get(CROWDED) or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        detail = "All clients together have as many connections as there may be. Try again."
        problem = Problem(ProblemReason.TOO_MANY_CONNECTIONS, detail)
        await rendered(scope, problem, {"Connection": "close"})(scope, receive, send)
