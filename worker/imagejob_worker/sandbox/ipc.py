"""Messages between the worker and the processes behind its slots: MessagePack over pipes.

Each message is preceded by its length, four bytes, big-endian.
"""

from __future__ import annotations

import os
from typing import NamedTuple, TypeVar

import msgspec

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One item to process. Memory, on top of what a child starts with, and file size in bytes."""

    index: int  # in the order
    folder: str
    format: str  # of the source, by its first bytes; empty if it is none that is supported
    seconds: float
    memory: int
    file_size: int


class Exit(msgspec.Struct, frozen=True, array_like=True):
    """How a child ended: its exit code, or minus its signal; and what it wrote before."""

    status: int
    timed_out: bool  # we killed it, for its time was up
    output: bytes
    memory_used: int = 0  # bytes at its peak, on top of what it started with


# Made before there are threads: msgspec 0.22 crashes where two are the first to use a Struct.
REQUEST = msgspec.msgpack.Decoder(Request)
EXIT = msgspec.msgpack.Decoder(Exit)
KIBIBYTES = msgspec.msgpack.Decoder(int)


class Ends(NamedTuple):
    """One side's descriptors of two pipes."""

    read: int
    write: int


def pipes() -> tuple[Ends, Ends]:
    """Make two pipes; return the child's ends and the worker's."""
    requests, request = os.pipe()
    answers, answer = os.pipe()
    return Ends(requests, answer), Ends(answers, request)


def send(pipe: int, message: object) -> None:
    """Write one message."""
    data = msgspec.msgpack.encode(message)
    write_all(pipe, len(data).to_bytes(4, "big") + data)


def receive(pipe: int, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """Read one message. Raises EOFError if the other side is closed."""
    size = int.from_bytes(_read_exactly(pipe, 4), "big")
    return decoder.decode(_read_exactly(pipe, size))


def write_all(pipe: int, data: bytes) -> None:
    """Write all of it: a single os.write may stop early."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _read_exactly(pipe: int, size: int) -> bytes:
    whole = b""
    while len(whole) < size:
        part = os.read(pipe, size - len(whole))
        if not part:
            raise EOFError("the other side of the pipe is closed")
        whole += part
    return whole
