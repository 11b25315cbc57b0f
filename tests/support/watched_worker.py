"""The worker with a witness, which writes down every name that is looked up and every connection.

    python watched_worker.py WITNESS NAMES

The witness is an audit hook of the interpreter: no code in the process gets past it. NAMES is JSON:
for each name the addresses of its first look-up, of its second, and so on; the last ones stay. All
other names are the system's to resolve.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
from typing import Any

Found = list[tuple[int, int, int, str, tuple[Any, ...]]]

_system = socket.getaddrinfo


class Resolver:
    """A name server whose answers change from one look-up to the next."""

    def __init__(self, names: dict[str, list[list[str]]]) -> None:
        self._names = names

    def __call__(self, host: str, port: int, *args: Any, **options: Any) -> Found:
        lookups = self._names.get(host)
        if not lookups:
            return _system(host, port, *args, **options)
        sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
        addresses = lookups.pop(0) if len(lookups) > 1 else lookups[0]
        return [_numeric(address, port) for address in addresses]


def _numeric(address: str, port: int) -> tuple[int, int, int, str, tuple[Any, ...]]:
    if ":" in address:
        place: tuple[Any, ...] = (address, port, 0, 0)
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


def main() -> None:
    """Run the worker; the witness has a line for each event."""
    file, names = sys.argv[1:]
    witness = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def write(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            os.write(witness, f"looks up {arguments[0]}\n".encode())
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            os.write(witness, f"connects to {arguments[1]}\n".encode())

    sys.addaudithook(write)
    socket.getaddrinfo = Resolver(json.loads(names))  # type: ignore[assignment]
    runpy.run_module("imagejob_worker", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
