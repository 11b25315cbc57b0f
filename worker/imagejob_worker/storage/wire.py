"""A connection to a store: bytes to and fro, each step of it bounded, in the clear or over TLS."""

from __future__ import annotations

import _socket  # what is under `socket`, whose import takes some ms more
import errno
import os
import time
from _thread import allocate_lock, start_new_thread
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from imagejob_worker.storage.pace import LateError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from imagejob_worker.storage.pace import Patience

CONNECT: Final = 5.0
"""The seconds that resolving a name, connecting and shaking hands may take together."""

CHUNK: Final = 256 * 1024

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
        """Take an endpoint apart, of the shape that s3.py lets pass."""
        scheme, _, rest = endpoint.partition("://")
        authority, slash, path = rest.rstrip("/").partition("/")
        host, colon, port = authority.rpartition(":")
        if not colon or "]" in port:
            host, port = authority, ""
        secure = scheme == "https"
        return cls(secure, host.strip("[]"), int(port or (443 if secure else 80)), slash + path)

    @property
    def server(self) -> tuple[str, int]:
        """What is the same however an endpoint is spelt. A bucket is AWS's, not an endpoint's."""
        host = self.host.lower().removesuffix(".")
        return ("amazonaws.com", 443) if host.endswith(".amazonaws.com") else (host, self.port)

    @property
    def authority(self) -> str:
        """The value of a Host header, with the port where it isn't the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class Wire:
    """An open connection. Its methods raise WireError, and what Patience raises."""

    def __init__(self, place: Place, context: ssl.SSLContext | None, patience: Patience) -> None:
        """Connect. Raises WireError."""
        until = min(patience.end, time.monotonic() + CONNECT)
        with _words():
            plain = _connected(place, until)
        self._socket: _socket.socket = plain
        self._early: list[bytes] = []  # what came while something was being sent
        if context:
            from imagejob_worker.storage import tls  # not for a store in the clear: it takes 8 ms

            self._socket = tls.secured(plain, context, place.host, until)

    def close(self) -> None:
        """Let go of it; nobody is told."""
        self._socket.close()

    def receive(self, until: float, patience: Patience) -> bytes:
        """Return what comes next, and nothing at the end. Raises LateError at `until`."""
        if self._early:
            return self._early.pop()
        with _words():
            while True:
                self._wait_at_most(until)
                try:
                    return self._socket.recv(CHUNK)
                except TimeoutError:
                    patience.check()

    def send(self, data: bytes, patience: Patience) -> None:
        """Send all of it."""
        rest = memoryview(data)
        until = patience.step()
        with _words():
            while rest:
                self._wait_at_most(until)
                try:
                    sent = self._socket.send(rest)
                except TimeoutError:
                    patience.check()
                    continue
                rest, until = rest[sent:], patience.step()
                patience.moved(sent)

    def send_file(self, file: int, size: int, patience: Patience) -> bool:
        """Send `size` bytes of a file; stop, and say False, if the other side answers meanwhile."""
        offset = 0
        while offset < size:
            if self._has_come():
                return False
            chunk = os.pread(file, min(CHUNK, size - offset), offset)
            if not chunk:
                raise WireError("the output is shorter than it was")
            self.send(chunk, patience)
            offset += len(chunk)
        return True

    def _has_come(self) -> bool:
        """Whether an answer, or its end, is there to be read; TLS's own messages are none."""
        self._socket.settimeout(0)
        try:
            self._early.append(self._socket.recv(CHUNK))
        except OSError as error:
            return type(error).__name__ not in ("BlockingIOError", "SSLWantReadError")
        return True

    def _wait_at_most(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise LateError("it didn't answer in time")
        self._socket.settimeout(min(left, _TICK))


@contextmanager
def _words() -> Iterator[None]:
    """Turn what the system says into WireErrors."""
    try:
        yield
    except (ConnectionResetError, BrokenPipeError) as error:
        raise CutError(_WORDS[error.errno or errno.EPIPE]) from error
    except TimeoutError as error:
        raise LateError("it didn't answer in time") from error
    except OSError as error:
        if type(error).__name__ in ("SSLEOFError", "SSLZeroReturnError"):
            raise CutError from error
        if type(error).__module__ == "ssl":
            raise WireError(f"TLS failed: {getattr(error, 'reason', error)}") from error
        words = _WORDS.get(error.errno or 0) or error.strerror or str(error)
        raise WireError(words, again=True) from error


def _connected(place: Place, until: float) -> _socket.socket:
    """Connect to the first address that takes it. Raises OSError or WireError."""
    fault: OSError = TimeoutError()
    for family, kind, protocol, _, address in _addresses(place, until):
        left = until - time.monotonic()
        if left <= 0:
            break
        connection = _socket.socket(family, kind, protocol)
        try:
            connection.settimeout(left)
            connection.connect(address)
            connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            fault = error
        else:
            return connection
    if isinstance(fault, TimeoutError):
        raise WireError("it can't be reached in time", again=True)
    raise fault


def _addresses(place: Place, until: float) -> list[Any]:
    """Resolve a name, in a thread: nothing else bounds how long that takes. Raises WireError."""
    found: list[Any] = []
    done = allocate_lock()
    done.acquire()

    def look() -> None:
        try:
            found.extend(_socket.getaddrinfo(place.host, place.port, type=_socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.clear()
        finally:
            done.release()

    start_new_thread(look, ())
    if not done.acquire(timeout=max(0, until - time.monotonic())):
        raise LateError("its name wasn't resolved in time")
    if not found:
        raise WireError("its name can't be resolved")
    return found
