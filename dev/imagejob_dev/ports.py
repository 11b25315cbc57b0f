"""Free TCP ports of this machine."""

from __future__ import annotations

import random
import socket

# Below the range that the kernel gives to outgoing connections (32768 and up), so that none of
# those takes a port between here and the moment that its server binds it.
FIRST, LAST = 20000, 32000
LOOPBACK = "127.0.0.1"


def free_ports(count: int, address: str = LOOPBACK) -> list[int]:
    """`count` different ports that nothing at `address` listens on at the moment."""
    found: list[int] = []
    for port in random.sample(range(FIRST, LAST), k=LAST - FIRST):
        if len(found) == count:
            break
        if _is_free(address, port):
            found.append(port)
    return found


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Go's servers do
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
