"""Free TCP ports of this machine."""

from __future__ import annotations

import os
import random
import socket

# Below the range that the kernel gives to outgoing connections (32768 and up), so that none of
# those takes a port between here and the moment that its server binds it.
FIRST, LAST = 20000, 32000
RANGE = "IMAGEJOB_DEV_PORTS"
"""A variable with a smaller range, such as 20000-23000: clusters that start at the same time, each
within a range of its own, take no port from each other."""
LOOPBACK = "127.0.0.1"


def free_ports(count: int, address: str = LOOPBACK) -> list[int]:
    """`count` different ports that nothing at `address` listens on at the moment."""
    found: list[int] = []
    first, last = _range()
    for port in random.sample(range(first, last), k=last - first):
        if len(found) == count:
            break
        if _is_free(address, port):
            found.append(port)
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
