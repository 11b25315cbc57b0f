"""Connect to a server: resolve its name once, judge each address, connect to what was judged."""

from __future__ import annotations

import socket
import time
from _thread import allocate_lock, start_new_thread
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from imagejob_worker.storage.faults import AddressRefusedError, WireError

if TYPE_CHECKING:
    from imagejob_worker.storage.addresses import Addresses


class ServerAddress(NamedTuple):
    """The address of a server. `path` precedes every other path, and ends without a slash."""

    secure: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, endpoint: str) -> ServerAddress:
        """Parse an endpoint that s3.py has checked. Raises WireError."""
        parts = urlsplit(endpoint)
        secure = parts.scheme == "https"
        try:
            port = parts.port or (443 if secure else 80)
        except ValueError as error:
            raise WireError("the endpoint's port is invalid") from error
        return cls(secure, parts.hostname or "", port, parts.path.rstrip("/"))

    @property
    def identity(self) -> tuple[str, int]:
        """The same for all spellings of an endpoint. A bucket is AWS's, not an endpoint's."""
        host = self.host.removesuffix(".")
        return ("amazonaws.com", 443) if host.endswith(".amazonaws.com") else (host, self.port)


def connected(server: ServerAddress, allowed: Addresses, until: float) -> socket.socket:
    """Connect, in a thread: nothing else limits how long resolving a name takes.

    Raises AddressRefusedError, and OSError.
    """
    found: list[socket.socket | Exception] = []
    done = allocate_lock()
    done.acquire()

    def connect() -> None:
        try:
            found.append(_connect(server, allowed, until))
        except Exception as error:  # noqa: BLE001 (raised below, in the thread that waits)
            found.append(error)
        finally:
            done.release()

    start_new_thread(connect, ())
    if not done.acquire(timeout=_left(until)):
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    found[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found[0]


def _connect(server: ServerAddress, allowed: Addresses, until: float) -> socket.socket:
    """Connect to the first address that may be, and can be, connected to."""
    resolved = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    faults = [allowed.fault(str(place[0])) for *_, place in resolved]
    # These very addresses: looked up again, the name could have others.
    permitted = [each for each, fault in zip(resolved, faults, strict=True) if not fault]
    failed: Exception = AddressRefusedError(faults[0] or "") if faults else OSError("no address")
    for index, (family, kind, protocol, _, place) in enumerate(permitted):
        opened = socket.socket(family, kind, protocol)
        try:
            # One that doesn't answer leaves time for the others.
            opened.settimeout(_left(until) / (len(permitted) - index))
            opened.connect(place)
        except OSError as error:
            opened.close()
            failed = error
        else:
            return opened
    raise failed


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())
