"""Requests over http.client, on connections that are kept; and what is tried again."""

from __future__ import annotations

import os
import time
from _thread import allocate_lock
from contextlib import contextmanager
from email.errors import MissingHeaderBodySeparatorDefect
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    IncompleteRead,
    LineTooLong,
    RemoteDisconnected,
)
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from imagejob_worker.storage.transfer import LateError, Patience, SlowError
from imagejob_worker.storage.wire import MOST_BYTES, CutError, Wire, WireError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from imagejob_worker.storage.wire import Place

T = TypeVar("T")

# A store that refuses connections, or says that it is failing, is given up within some 4 seconds;
# what comes after is for the operator's backoff.
RETRIES: Final = 5
_RETRY_SECONDS = 8.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class AnsweredError(WireError):
    """A store answers that it won't, or can't; `text` is what it says, at most 64 KiB of it."""

    def __init__(self, status: int, phrase: str, text: str) -> None:
        words = f"it answers {status} {phrase}".rstrip()
        super().__init__(words, again=status >= 500 or status == 429)
        self.status = status
        self.text = text


class Body(NamedTuple):
    """An open file to send, and its length."""

    file: int
    size: int


class Request(NamedTuple):
    """What is asked of a server. `url` is whole; names of headers are in any case."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: Body | None = None


class Answer:
    """An answer whose body may be read, once."""

    def __init__(self, wire: Wire, response: HTTPResponse) -> None:
        """Check what http.client lets pass. Raises WireError."""
        self._wire, self._response = wire, response
        self.status, self.phrase = response.status, response.reason
        self.is_chunked = bool(response.chunked)
        self.length = response.length
        self.is_read = self.length == 0
        head = response.headers
        lengths = set(head.get_all("content-length", ()))
        broken = any(isinstance(each, MissingHeaderBodySeparatorDefect) for each in head.defects)
        if broken or len(lengths) > 1:
            raise WireError("its answer's head isn't HTTP")
        if lengths and self.length is None and not self.is_chunked:
            raise WireError("its answer has no sensible length")

    def body(self, patience: Patience, *, is_useful: bool = True) -> Iterator[bytes]:
        """Yield the body as it comes. Raises WireError, as when it ends early.

        If it isn't useful, it is idle talk to the Wire, which gives it up at MOST_BYTES.
        """
        self._wire.expect(patience)
        with _meaning():
            while piece := self._response.read1(MOST_BYTES):
                if is_useful:
                    self._wire.useful()
                yield piece
        if self._response.length:
            raise CutError
        self.is_read = True

    def end(self) -> bool:
        """Read no more of it; return whether another request may follow."""
        self._response.close()
        return self.is_read and not self._response.will_close and self._wire.is_quiet

    def excerpt(self, patience: Patience) -> str:
        """Read the body of an error: no more than MOST_BYTES, nor for longer than a step may take.

        Whatever came is better than nothing: a server that says 404 has said it.
        """
        read, brief = b"", Patience(patience.step())
        try:
            for piece in self.body(brief, is_useful=False):
                read += piece
                if b"</Code>" in read:
                    break
        except (WireError, LateError, SlowError):
            pass
        return read.decode(errors="replace")


class _Connection(HTTPConnection):
    """One connection, for one exchange after another."""

    auto_open = 0

    def __init__(self, place: Place, context: ssl.SSLContext | None, patience: Patience) -> None:
        """Connect."""
        super().__init__(place.host, place.port)
        self.wire = Wire(place, context, patience)
        self.sock = self.wire
        self._is_plain = context is None

    def ask(self, request: Request, patience: Patience) -> Answer:
        """Send a request; return its answer. Raises as Wire does."""
        parts = urlsplit(request.url)
        self.wire.expect(patience)
        try:
            pieces = request.body and self.wire.outgoing(*request.body)
            headers = {"Host": parts.netloc, "User-Agent": "imagejob-worker", **request.headers}
            self.request(request.method, f"{parts.path}?{parts.query}", pieces, headers)
        except CutError:
            pass  # what it has said before is more telling
        unhurried = patience.unhurried()
        self.wire.expect(unhurried, unhurried.step())
        try:
            with _meaning():
                return Answer(self.wire, self.getresponse())
        except CutError as error:
            if self._is_plain and not self.wire.has_heard:
                raise CutError(f"{error} without an answer; does it speak TLS?") from error
            raise


class Client:
    """One server, for any thread. Raises what Wire raises, and AnsweredError."""

    def __init__(self, place: Place, context: ssl.SSLContext | None) -> None:
        """Connect to nothing yet."""
        self._place = place
        self._context = context
        self._idle: list[_Connection] = []
        self._lock = allocate_lock()

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.wire.hang_up()

    @contextmanager
    def request(self, request: Request, patience: Patience) -> Iterator[Answer]:
        """Send a request; give the answer if it is of the kind 2xx, whose body may then be read."""
        connection, answer = self._asked(request, patience)
        try:
            if not 200 <= answer.status < 300:
                raise AnsweredError(answer.status, answer.phrase, answer.excerpt(patience))
            yield answer
        finally:
            self._let_go(connection, is_reusable=answer.end())

    def _asked(self, request: Request, patience: Patience) -> tuple[_Connection, Answer]:
        """Ask over a connection that is idle, and over a new one if it is gone by now."""
        while True:
            idle = self._an_idle_one()
            connection = idle or _Connection(self._place, self._context, patience)
            try:
                return connection, connection.ask(request, patience)
            except BaseException as error:
                connection.wire.hang_up()
                if not (idle and isinstance(error, CutError)):
                    raise

    def _an_idle_one(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _let_go(self, connection: _Connection, *, is_reusable: bool) -> None:
        if is_reusable:
            with self._lock:
                self._idle.append(connection)
        else:
            connection.wire.hang_up()


@contextmanager
def _meaning() -> Iterator[None]:
    """Turn what http.client says into WireErrors."""
    try:
        yield
    except RemoteDisconnected as error:
        raise CutError from error
    except BadStatusLine as error:
        if str(error)[:1] in ("\x15", "\x16"):
            raise WireError("it speaks TLS; is its endpoint https://?") from error
        raise WireError("its answer isn't HTTP") from error
    except IncompleteRead as error:
        if isinstance(error.__context__, ValueError):
            raise CutError("its chunked body was cut, or is none") from error
        raise CutError from error
    except HTTPException as error:
        # Too long a line, or too many of them.
        endless = isinstance(error, LineTooLong) or type(error) is HTTPException
        words = "its answer's head has no end" if endless else "its answer isn't HTTP"
        raise WireError(words) from error


def persistently(attempt: Callable[[], T], end: float) -> T:
    """Try again what a moment may cure, but not for long, and not past `end`."""
    last = min(end, time.monotonic() + _RETRY_SECONDS)
    pause = _FIRST_PAUSE
    for _ in range(RETRIES):
        try:
            return attempt()
        except WireError as error:
            # Not all at the same moment: a store that fails, fails many.
            wait = pause * (0.5 + os.urandom(1)[0] / 512)
            if not error.again or time.monotonic() + wait >= last:
                raise
        time.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return attempt()
