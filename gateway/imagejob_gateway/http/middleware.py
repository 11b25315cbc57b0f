"""What every request and every answer gets."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .paths import Paths

REQUEST_ID = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

OF_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
UNLESS_SET = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def request_id(scope: Scope) -> str:
    """Return the request's id, as answers and the log show it."""
    found: str = scope["state"]["request_id"]
    return found


def new_request_id(given: str) -> str:
    """Return the client's own id if it is a plain one, or a new one."""
    return given if _GIVEN.fullmatch(given) else secrets.token_hex(8)


class RequestContext:
    """Gives each request an id and each answer headers; answers HEAD where GET is answered."""

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = new_request_id(Headers(scope=scope).get(REQUEST_ID, ""))
        scope.setdefault("state", {})["request_id"] = name
        is_head = scope["method"] == "HEAD" and "HEAD" in self._paths.methods(scope["path"])
        # The server sends no body: it looks at its own scope.
        inner = {**scope, "method": "GET"} if is_head else scope

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = name
                headers.update(OF_EVERY_ANSWER)
                for header, value in UNLESS_SET.items():
                    headers.setdefault(header, value)
            await send(message)

        await self._app(inner, receive, send_with_headers)
        if "route" in inner:
            scope["route"] = inner["route"]  # for measuring.py
