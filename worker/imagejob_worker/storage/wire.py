"""A socket to a store, as http.client uses it: each wait has an end, and so has idle talk."""

from __future__ import annotations

import errno
import io
import os
import socket
import time
from _thread import allocate_lock, start_new_thread
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from imagejob_worker.storage.transfer import LateError, Patience

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer, WriteableBuffer

CONNECT: Final = 5.0
"""The seconds that resolving a name, connecting and shaking hands may take together."""

CHUNK: Final = 256 * 1024

MOST_BYTES: Final = 64 * 1024
"""What is read of an answer before something of its body comes, and between two pieces of it."""

_TICK = 1.0  # how often somebody who waits looks at the rate

_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to it",
    errno.ENETUNREACH: "the network is unreachable",
    errno.ECONNRESET: "the connection was reset",
    errno.EPIPE: "the connection was cut",
}


class WireError(Exception):
    """Why a store can't be talked to, in words; `again`: whether a moment later it may be."""

    def __init__(self, words: str, *, again: bool = False) -> None:
        super().__init__(words)
        self.again = again


class CutError(WireError):
    """The other side has gone."""

    def __init__(self, words: str = "the connection was cut") -> None:
        super().__init__(words, again=True)


class Place(NamedTuple):
    """Where a server is. `path` is what comes before every other path; no slash at its end."""

    secure: bool
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, endpoint: str) -> Place:
        """Take an endpoint apart, of the shape that s3.py lets pass. Raises WireError."""
        parts = urlsplit(endpoint)
        secure = parts.scheme == "https"
        try:
            port = parts.port or (443 if secure else 80)
        except ValueError as error:
            raise WireError("the endpoint has no such port") from error
        return cls(secure, parts.hostname or "", port, parts.path.rstrip("/"))

    @property
    def server(self) -> tuple[str, int]:
        """What is the same however an endpoint is spelt. A bucket is AWS's, not an endpoint's."""
        host = self.host.removesuffix(".")
        return ("amazonaws.com", 443) if host.endswith(".amazonaws.com") else (host, self.port)


class Wire:
    """An open connection. Its methods raise WireError, and what Patience raises."""

    def __init__(self, place: Place, context: ssl.SSLContext | None, patience: Patience) -> None:
        """Connect. Raises WireError."""
        until = min(patience.end, time.monotonic() + CONNECT)
        with _words():
            self._socket = _connected(place, until)
        if context:
            from imagejob_worker.storage import tls

            self._socket = tls.secured(self._socket, context, place.host, until)
        self._early = b""  # what came while something was being sent
        self._owed = 0  # what was announced and hasn't been sent
        self.expect(patience)

    def expect(self, patience: Patience, until: float | None = None) -> None:
        """Set what holds from here on. Each wait is a step of its own, or all end at `until`."""
        self._patience, self._until = patience, until
        self.useful()

    def useful(self) -> None:
        """Note that what came was of use: MOST_BYTES more may come."""
        self._idle_talk = 0

    @property
    def has_heard(self) -> bool:
        """Whether anything has come that wasn't of use."""
        return self._idle_talk > 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way, neither to nor fro."""
        return not (self._owed or self._early)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 (http.client reads bytes)
        """See socket.makefile."""
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """Do nothing: http.client asks for it before a last answer's body has been read."""

    def hang_up(self) -> None:
        """Let go of it; nobody is told."""
        self._socket.close()

    def recv_into(self, buffer: WriteableBuffer) -> int:
        """Receive what comes next, and nothing at the end."""
        if self._idle_talk >= MOST_BYTES:
            raise WireError("its answer has no end")
        into = memoryview(buffer)[: MOST_BYTES - self._idle_talk]
        if self._early:
            size = min(len(into), len(self._early))
            into[:size], self._early = self._early[:size], self._early[size:]
        else:
            size = self._received(into)
        self._idle_talk += size
        self._patience.moved(size)
        return size

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of it."""
        rest = memoryview(data)
        until = self._patience.step()
        with _words():
            while rest:
                self._wait_at_most(until)
                try:
                    sent = self._socket.send(rest)
                except TimeoutError:
                    self._patience.check()
                    continue
                rest, until = rest[sent:], self._patience.step()
                self._patience.moved(sent)

    def outgoing(self, file: int, size: int) -> Iterator[bytes]:
        """Yield `size` bytes of a file to send; stop if the other side answers meanwhile."""
        self._owed = size
        while self._owed and not self._has_come():
            chunk = os.pread(file, min(CHUNK, self._owed), size - self._owed)
            if not chunk:
                raise WireError("the output is shorter than it was")
            yield chunk
            self._owed -= len(chunk)

    def _has_come(self) -> bool:
        """Whether an answer, or its end, is there to be read; TLS's own messages are none."""
        self._socket.settimeout(0)
        try:
            self._early += self._socket.recv(MOST_BYTES)
        except OSError as error:
            return type(error).__name__ not in ("BlockingIOError", "SSLWantReadError")
        return True

    def _received(self, into: memoryview) -> int:
        until = self._until or self._patience.step()
        with _words():
            while True:
                self._wait_at_most(until)
                try:
                    return self._socket.recv_into(into)
                except TimeoutError:
                    self._patience.check()

    def _wait_at_most(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise LateError("it didn't answer in time")
        self._socket.settimeout(min(left, _TICK))


class _Incoming(io.RawIOBase):
    """What comes over a Wire, which outlasts it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._wire.recv_into(buffer)


@contextmanager
def _words() -> Iterator[None]:
    """Turn what the system says into WireErrors."""
    try:
        yield
    except (ConnectionResetError, BrokenPipeError) as error:
        raise CutError(_WORDS[error.errno or errno.EPIPE]) from error
    except TimeoutError as error:
        raise WireError("it can't be reached in time", again=True) from error
    except (socket.gaierror, UnicodeError) as error:
        raise WireError("its name can't be resolved") from error
    except OSError as error:
        # By names: `ssl` isn't loaded for a store in the clear.
        if type(error).__name__ in ("SSLEOFError", "SSLZeroReturnError"):
            raise CutError from error
        if type(error).__module__ == "ssl":
            raise WireError(f"TLS failed: {getattr(error, 'reason', error)}") from error
        words = _WORDS.get(error.errno or 0) or error.strerror or str(error)
        raise WireError(words, again=True) from error


def _connected(place: Place, until: float) -> socket.socket:
    """Connect, in a thread: nothing else bounds how long a name takes. Raises OSError."""
    found: list[socket.socket | Exception] = []
    left = max(0.001, until - time.monotonic())
    done = allocate_lock()
    done.acquire()

    def connect() -> None:
        try:
            found.append(socket.create_connection((place.host, place.port), left))
        except Exception as error:  # noqa: BLE001 (raised below, where somebody waits for it)
            found.append(error)
        finally:
            done.release()

    start_new_thread(connect, ())
    if not done.acquire(timeout=left):
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    found[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found[0]
