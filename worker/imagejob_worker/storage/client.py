"""Requests over http.client, on connections that are kept and reused."""

from __future__ import annotations

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
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from imagejob_worker.storage import answers
from imagejob_worker.storage.faults import ConnectionCutError, WireError
from imagejob_worker.storage.transfer import DeadlineError, TooSlowError, TransferLimits
from imagejob_worker.storage.wire import MAX_OVERHEAD, Wire

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from imagejob_worker.storage.addresses import Addresses
    from imagejob_worker.storage.dialing import ServerAddress


_BAD_CHUNK = "its chunked body is cut or invalid"


class StatusError(WireError):
    """A store answers with another status than 2xx; `secrets` are what it was sent of them."""

    def __init__(self, answer: answers.Answer, secrets: tuple[str, ...] = ()) -> None:
        super().__init__(
            f"it answers {answer.status} {answers.plain(answer.phrase)}".rstrip(),
            is_retryable=answers.is_passing(answer),
        )
        self.answer = answer
        self.secrets = secrets


class Body(NamedTuple):
    """An open file to send, and its length."""

    file: int
    size: int


class Request(NamedTuple):
    """A request. `url` is absolute; header names may be in any case.

    No message shows `secrets`, also if the answer repeats them.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: Body | None = None
    secrets: tuple[str, ...] = ()


class Response:
    """An answer whose body can be read once."""

    def __init__(self, wire: Wire, response: HTTPResponse) -> None:
        """Check what http.client lets pass. Raises WireError."""
        self._wire, self._http = wire, response
        self.status, self.phrase = response.status, response.reason
        self.is_chunked = bool(response.chunked)
        self.length = response.length
        self.is_read = self.length == 0
        self.headers = head = response.headers
        lengths = set(head.get_all("content-length", ()))
        broken = any(isinstance(each, MissingHeaderBodySeparatorDefect) for each in head.defects)
        if broken or len(lengths) + self.is_chunked > 1:
            raise WireError("its answer's header isn't HTTP")
        if not all(each.isascii() and each.isdigit() for each in lengths):  # int() takes +1_0
            raise WireError("its answer has an invalid length")

    def body(self, limits: TransferLimits, *, is_content: bool = True) -> Iterator[bytes]:
        """Yield the body as it comes. Raises WireError, as when it ends early.

        A body that isn't content counts as overhead: the Wire fails it at MAX_OVERHEAD.
        """
        self._wire.expect(limits)
        with _translated_errors():
            while piece := self._http.read1(MAX_OVERHEAD):
                if self.is_chunked and (self._http.chunk_left or 0) < 0:
                    raise ConnectionCutError(_BAD_CHUNK)
                if is_content:
                    self._wire.reset_overhead()
                yield piece
        if self._http.length:
            raise ConnectionCutError
        self.is_read = True

    def end(self) -> bool:
        """Stop reading; return whether the connection can take another request."""
        self._http.close()
        return self.is_read and not self._http.will_close and self._wire.is_idle

    def error(self, limits: TransferLimits) -> answers.Answer:
        """Return all that an answer other than 2xx says."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        return answers.Answer(self.status, self.phrase, self.text(limits), headers)

    def text(self, limits: TransferLimits) -> str:
        """Read a body in words: at most MAX_OVERHEAD, for at most the time of one step.

        A body that breaks off is no error: the status has said what matters.
        """
        read, brief = b"", TransferLimits(limits.step())
        try:
            for piece in self.body(brief, is_content=False):
                read += piece
                if b"</Error>" in read:
                    break
        except (WireError, DeadlineError, TooSlowError):
            pass
        return read.decode(errors="replace")


class _Connection(HTTPConnection):
    """One connection, for one exchange at a time."""

    auto_open = 0

    def __init__(
        self,
        server: ServerAddress,
        allowed: Addresses,
        context: ssl.SSLContext | None,
        limits: TransferLimits,
    ) -> None:
        """Connect."""
        super().__init__(server.host, server.port)
        self.wire = Wire(server, allowed, context, limits)
        self.sock = self.wire
        self._is_plain = context is None

    def exchange(self, request: Request, limits: TransferLimits) -> Response:
        """Send a request; return its answer. Raises as Wire does."""
        parts = urlsplit(request.url)
        self.wire.expect(limits)
        try:
            pieces = request.body and self.wire.outgoing(*request.body)
            headers = {"Host": parts.netloc, "User-Agent": "imagejob-worker", **request.headers}
            self.request(request.method, f"{parts.path}?{parts.query}", pieces, headers)
        except ConnectionCutError:
            pass  # the server may have answered before: its answer says more
        without_rate = limits.without_rate()
        self.wire.expect(without_rate, without_rate.step())
        try:
            with _translated_errors():
                return Response(self.wire, self.getresponse())
        except ConnectionCutError as error:
            if self._is_plain and not self.wire.has_received:
                raise ConnectionCutError(
                    f"{error} without an answer; does it speak TLS?"
                ) from error
            raise


class Client:
    """A client of one server, for any thread. Raises what Wire raises, and StatusError.

    It follows no redirect: an answer of 3xx is a StatusError.
    """

    def __init__(
        self, server: ServerAddress, allowed: Addresses, context: ssl.SSLContext | None
    ) -> None:
        """Connect only when a request needs it, and then to one of the `allowed` addresses."""
        self._server = server
        self._allowed = allowed
        self._context = context
        self._idle: list[_Connection] = []
        self._lock = allocate_lock()

    def close(self) -> None:
        """Close idle connections."""
        for connection in self._idle:
            connection.wire.disconnect()

    @contextmanager
    def request(self, request: Request, limits: TransferLimits) -> Iterator[Response]:
        """Send a request and yield a 2xx answer, whose body can then be read."""
        connection, answer = self._send(request, limits)
        try:
            if not 200 <= answer.status < 300:
                raise StatusError(answer.error(limits), request.secrets)
            yield answer
        finally:
            self._release(connection, is_reusable=answer.end())

    def _send(self, request: Request, limits: TransferLimits) -> tuple[_Connection, Response]:
        """Send over an idle connection, or a new one if the server has closed it meanwhile."""
        while True:
            idle = self._pop_idle()
            connection = idle or _Connection(self._server, self._allowed, self._context, limits)
            try:
                return connection, connection.exchange(request, limits)
            except BaseException as error:
                connection.wire.disconnect()
                if not (idle and isinstance(error, ConnectionCutError)):
                    raise

    def _pop_idle(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _release(self, connection: _Connection, *, is_reusable: bool) -> None:
        if is_reusable:
            with self._lock:
                self._idle.append(connection)
        else:
            connection.wire.disconnect()


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn http.client's errors into WireErrors."""
    try:
        yield
    except RemoteDisconnected as error:
        raise ConnectionCutError from error
    except BadStatusLine as error:
        if str(error)[:1] in ("\x15", "\x16"):
            raise WireError("it speaks TLS; is its endpoint https://?") from error
        raise WireError("its answer isn't HTTP") from error
    except IncompleteRead as error:
        if isinstance(error.__context__, ValueError):
            raise ConnectionCutError(_BAD_CHUNK) from error
        raise ConnectionCutError from error
    except HTTPException as error:
        # Too long a line, or too many of them.
        endless = isinstance(error, LineTooLong) or type(error) is HTTPException
        message = "its answer's header has no end" if endless else "its answer isn't HTTP"
        raise WireError(message) from error
