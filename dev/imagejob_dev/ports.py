"""Free TCP ports of this machine."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections import deque

# Below the range that the kernel gives to outgoing connections (32768 and up), so that none of
# those takes a port between here and the moment that its server binds it.
FIRST, LAST = 20000, 32000
RANGE = "IMAGEJOB_DEV_PORTS"
"""A variable with a smaller range, such as 20000-23000: clusters that start at the same time, each
within a range of its own, take no port from each other."""
LOOPBACK = "127.0.0.1"

_recent: deque[int] = deque(maxlen=100)
_one_at_a_time = threading.Lock()


def free_ports(count: int, address: str = LOOPBACK) -> list[int]:
    """`count` different ports that nothing at `address` listens on at the moment.

    Of the last that were found none is found again: its server, which another thread may be about
    to start, may not listen yet.
    """
    found: list[int] = []
    first, last = _range()
    with _one_at_a_time:
        for port in random.sample(range(first, last), k=last - first):
            if len(found) == count:
                break
            if port not in _recent and _is_free(address, port):
                found.append(port)
        _recent.extend(found)
    return found


def part(number: int, of: int) -> str:
    """What RANGE says to one of so many processes."""
    size = (LAST - FIRST) // of
    return f"{FIRST + number * size}-{FIRST + (number + 1) * size}"


def _range() -> tuple[int, int]:
    first, _, last = os.environ.get(RANGE, f"{FIRST}-{LAST}").partition("-")
    return int(first), int(last)


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Go's servers do
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
