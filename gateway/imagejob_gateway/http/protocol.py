"""HTTP/1.1 as uvicorn speaks it, with bounds on a request's head, and problems for bad requests.

uvicorn keeps whatever a head has and waits for its end without limit, and answers what is no HTTP
with plain text. See docs/decisions/0044-http-in-its-bounds.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools

from imagejob_gateway.problem import Problem, ProblemReason

from . import raw
from .connections import CROWDED
from .sending import Sending

if TYPE_CHECKING:
    import asyncio
    from asyncio import TimerHandle

MOST_HEAD_BYTES = 32 * 1024
"""Of a request's path and headers: a token may have 8 KiB, and proxies add their own."""

HEAD_SECONDS = 20.0
"""From a connection, or a request's first byte, to the end of its headers; and from an answer to
the end of the body that it didn't wait for."""

MOST_QUEUED = 16
"""Requests that may wait for the answer to another one. Few clients send any ahead of it."""

FRAMING = (b"content-length", b"transfer-encoding")
"""The headers that say how long a body is."""

MALFORMED = Problem(ProblemReason.INVALID_REQUEST, "The request isn't valid HTTP/1.1.")
TOO_LARGE = Problem(
    ProblemReason.HEADERS_TOO_LARGE,
    f"The path and the headers may have {MOST_HEAD_BYTES} bytes in all.",
)
TOO_SLOW = Problem(
    ProblemReason.TOO_SLOW, f"The headers weren't there after {HEAD_SECONDS:.0f} seconds."
)


class _EnoughError(Exception):
    """Ends the parser, which reports it as an error of its own."""


class Protocol(Sending):
    """One connection."""

    _in_head = True
    """Whether the end of a request's headers comes next."""

    _has_begun = False
    """Whether the first byte of such a head has come."""

    _is_replaying = False
    """Whether the parser is shown a head that was handled already."""

    _is_over = False
    """Whether nothing more is read."""

    _has_come = False
    """Whether the end of a head, a part of a body or its end was in the bytes that came last."""

    _unparsed = 0
    """Bytes that have come since, of a head or of trailers that aren't complete."""

    _head = 0
    """Bytes of the head, as far as it is parsed."""

    _is_crowded = False
    """Whether there are more connections than there may be."""

    _problem = MALFORMED
    _timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._start_timer()
        self._is_crowded = self._all_open.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_timer()
        self._all_open.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. A head that isn't complete is counted as it comes."""
        if self.transport.is_closing() or self._is_over:
            return
        length, self._has_come = len(data), False
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._after_upgrade(data)
        except httptools.HttpParserError:
            if not self._is_over:
                self._refuse(self._problem)
            return
        if not self._has_come:
            self._unparsed += length
            if self._unparsed > MOST_HEAD_BYTES:
                self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """See httptools."""
        if self._is_replaying:
            return
        super().on_message_begin()
        self._head, self._has_begun = 0, True
        if self._timer is None:
            self._start_timer()
        # How a stream gets rid of a client that reads nothing: see http/event_stream.py.
        self.scope["state"]["abort"] = self.transport.abort
        self.scope["state"][CROWDED] = self._is_crowded

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        if self._is_replaying:
            return
        super().on_url(url)
        self._count(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools. Trailers are no headers: nobody has checked them (RFC 9110, 6.5.1)."""
        if self._is_replaying:
            return
        if self._in_head:
            super().on_header(name, value)
        self._count(name, value)

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self._is_replaying:
            return
        if len(self.pipeline) >= MOST_QUEUED:
            self._stop_timer()
            self.cycle.keep_alive, self._is_over = False, True  # it is answered as the last one
            raise _EnoughError
        self._has_begun = self._in_head = False
        self._note_progress()
        self._stop_timer()
        self._all_open.busy(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._note_progress()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self.parser.should_upgrade():  # its body is still to come
            return
        self._in_head = True
        self._note_progress()
        super().on_message_complete()
        if self.cycle.response_complete:
            self._stop_timer()
            self._start_timer()

    def on_response_complete(self) -> None:
        """See uvicorn. What is left of the body, such as without a valid token, has its time, too.

        uvicorn forgets its own timer with the next byte, and then waits without an end.
        """
        super().on_response_complete()
        if self.cycle.response_complete:
            self._all_open.idle(self)
        is_early = not self._in_head and self.cycle.response_complete
        if is_early and not self.transport.is_closing():
            self._start_timer()

    def _after_upgrade(self, data: bytes) -> bytes:
        """Parse; return what follows the head of a request that asks for an upgrade.

        The parser takes such a head for the end of HTTP, and Java's client asks for HTTP/2 with
        each first request. So another parser goes on, which is shown only how long the body is.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.parser = httptools.HttpRequestParser(self)
            lines = [b"%s: %s\r\n" % each for each in self.headers if each[0] in FRAMING]
            self._is_replaying = True
            self.parser.feed_data(b"".join([b"POST / HTTP/1.1\r\n", *lines, b"\r\n"]))
            self._is_replaying = False
            return data[upgrade.args[0] :]
        return b""

    def _note_progress(self) -> None:
        self._has_come, self._unparsed = True, 0

    def _count(self, *parts: bytes) -> None:
        self._head += sum(len(part) for part in parts)
        if self._head > MOST_HEAD_BYTES:
            self._problem = TOO_LARGE
            raise _EnoughError

    def _refuse(self, problem: Problem) -> None:
        """Answer and close, unless an answer to an earlier request is still under way."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(raw.rendered(problem))
        self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        """A connection on which nothing was said, as browsers open them in advance, just closes."""
        if self._has_begun:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
