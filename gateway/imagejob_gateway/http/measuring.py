"""What is counted of each request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .views import IMAGES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from imagejob_gateway.metrics import GatewayMetrics

UPLOAD = ("POST", f"{IMAGES}/upload")


class Measuring:
    """Counts requests, their bytes and their problems. Around everything else."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, status, began = scope["method"], 0, time.monotonic()
        is_upload = (method, scope["path"]) == UPLOAD

        async def receive_counted() -> Message:
            message = await receive()
            self._metrics.received(len(message.get("body", b"")))
            return message

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.uploading(is_upload)
        try:
            await self._app(scope, receive_counted, send_observed)
        finally:
            self._metrics.uploading(-is_upload)
            state = scope.get("state", {})
            # A stream takes as long as its image: that would be no figure of the gateway's.
            took = None if state.get("is_stream") else time.monotonic() - began
            self._metrics.answered(method, _route(scope), status, took)
            if reason := state.get("problem"):
                self._metrics.problem(reason)


def _route(scope: Scope) -> str:
    """Return the template that the router found, "" if there is none."""
    route = scope.get("route")
    return getattr(route, "path", "")
