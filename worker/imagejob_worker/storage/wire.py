"""A socket to a store, as http.client uses it: every wait ends, and so does an endless answer."""

from __future__ import annotations

import errno
import io
import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imagejob_worker.storage.dialing import connected
from imagejob_worker.storage.faults import ConnectionCutError, WireError
from imagejob_worker.storage.transfer import DeadlineError, TransferLimits

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer, WriteableBuffer

    from imagejob_worker.storage.addresses import Addresses
    from imagejob_worker.storage.dialing import ServerAddress

CONNECT: Final = 5.0
"""The seconds that resolving a name, connecting and shaking hands may take together."""
CHUNK: Final = 256 * 1024
MAX_OVERHEAD: Final = 64 * 1024
"""How many bytes of an answer are read before its body begins, and between two pieces of it."""

_TICK = 1.0  # how often a waiting transfer checks its rate

_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to it",
    errno.ENETUNREACH: "the network is unreachable",
    errno.ECONNRESET: "the connection was reset",
    errno.EPIPE: "the connection was cut",
}


class Wire:
    """An open connection. Its methods raise WireError, TooSlowError and DeadlineError."""

    def __init__(
        self,
        server: ServerAddress,
        allowed: Addresses,
        context: ssl.SSLContext | None,
        limits: TransferLimits,
    ) -> None:
        """Connect to one of the `allowed` addresses. Raises WireError."""
        until = min(limits.end, time.monotonic() + CONNECT)
        with _translated_errors():
            self._socket = connected(server, allowed, until)
        if context:
            from imagejob_worker.storage import tls

            self._socket = tls.secured(self._socket, context, server.host, until)
        self._pending = b""  # received while a body was being sent
        self._unsent = 0  # bytes that were announced and not sent yet
        self.expect(limits)

    def expect(self, limits: TransferLimits, until: float | None = None) -> None:
        """Set the limits from here on. Each wait is a step of its own, or all end at `until`."""
        self._limits, self._until = limits, until
        self.reset_overhead()

    def reset_overhead(self) -> None:
        """Allow MAX_OVERHEAD more bytes: what came was content."""
        self._overhead = 0

    @property
    def has_received(self) -> bool:
        """Whether anything has come since the last reset."""
        return self._overhead > 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is half sent or half received."""
        return not (self._unsent or self._pending)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 (http.client reads bytes)
        """See socket.makefile."""
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """Do nothing: http.client asks for it before a last answer's body has been read."""

    def disconnect(self) -> None:
        """Close the socket."""
        self._socket.close()

    def recv_into(self, buffer: WriteableBuffer) -> int:
        """Receive the next bytes, and none at the end."""
        if self._overhead >= MAX_OVERHEAD:
            raise WireError("its answer has no end")
        into = memoryview(buffer)[: MAX_OVERHEAD - self._overhead]
        if self._pending:
            size = min(len(into), len(self._pending))
            into[:size], self._pending = self._pending[:size], self._pending[size:]
        else:
            size = self._received(into)
        self._overhead += size
        self._limits.moved(size)
        return size

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of it."""
        rest = memoryview(data)
        until = self._limits.step()
        with _translated_errors():
            while rest:
                self._wait_at_most(until)
                try:
                    sent = self._socket.send(rest)
                except TimeoutError:
                    self._limits.check()
                    continue
                rest, until = rest[sent:], self._limits.step()
                self._limits.moved(sent)

    def outgoing(self, file: int, size: int) -> Iterator[bytes]:
        """Yield `size` bytes of a file to send; stop if the other side answers before."""
        self._unsent = size
        while self._unsent and not self._has_come():
            chunk = os.pread(file, min(CHUNK, self._unsent), size - self._unsent)
            if not chunk:
                raise WireError("the output is shorter than it was")
            yield chunk
            self._unsent -= len(chunk)

    def _has_come(self) -> bool:
        """Whether an answer, or its end, can be read; TLS's own messages don't count."""
        self._socket.settimeout(0)
        try:
            self._pending += self._socket.recv(MAX_OVERHEAD)
        except OSError as error:
            return type(error).__name__ not in ("BlockingIOError", "SSLWantReadError")
        return True

    def _received(self, into: memoryview) -> int:
        until = self._until or self._limits.step()
        with _translated_errors():
            while True:
                self._wait_at_most(until)
                try:
                    return self._socket.recv_into(into)
                except TimeoutError:
                    self._limits.check()

    def _wait_at_most(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise DeadlineError("it didn't answer in time")
        self._socket.settimeout(min(left, _TICK))


class _Incoming(io.RawIOBase):
    """The receiving half of a Wire, for http.client; closing it leaves the Wire open."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._wire.recv_into(buffer)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn the system's errors into WireErrors."""
    try:
        yield
    except (ConnectionResetError, BrokenPipeError) as error:
        raise ConnectionCutError(_WORDS[error.errno or errno.EPIPE]) from error
    except TimeoutError as error:
        raise WireError("it can't be reached in time", is_retryable=True) from error
    except (socket.gaierror, UnicodeError) as error:
        raise WireError("its name can't be resolved") from error
    except OSError as error:
        # By name: `ssl` isn't loaded for a store without TLS.
        if type(error).__name__ in ("SSLEOFError", "SSLZeroReturnError"):
            raise ConnectionCutError from error
        if type(error).__module__ == "ssl":
            raise WireError(f"TLS failed: {getattr(error, 'reason', error)}") from error
        words = _WORDS.get(error.errno or 0) or error.strerror or str(error)
        raise WireError(words, is_retryable=True) from error
