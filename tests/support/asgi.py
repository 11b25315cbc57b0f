"""One request to an ASGI application, in this process and without a socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from support.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.types import ASGIApp, Message


def request(
    app: ASGIApp,
    method: str,
    path: str,
    body: bytes = b"",
    run: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run,
    **headers: str | tuple[str, ...],
) -> Answer:
    """Send a request; underscores in names of headers become dashes.

    A tuple is a header that is sent more than once. `run` is of the loop that the application's own
    connections belong to, if it has any.
    """
    path, _, query = path.partition("?")
    named = [
        (name.replace("_", "-").lower().encode(), value.encode())
        for name, values in headers.items()
        for value in ((values,) if isinstance(values, str) else values)
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode("latin-1"),
        "client": None,
        "server": ("test", 80),
        "headers": named,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    run(_call(app, scope, receive, send))
    start, *parts = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(each.get("body", b"") for each in parts))


async def _call(app: ASGIApp, *arguments: Any) -> None:
    try:
        await app(*arguments)
    except RuntimeError as error:  # Starlette raises a bug's exception again, for the server's log
        if str(error) != BUG:
            raise


BUG = "a bug"
"""The message of an exception that a test raises on purpose."""
