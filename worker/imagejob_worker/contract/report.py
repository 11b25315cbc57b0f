"""The report: the result of each item, as a pod's termination message.

docs/work-order.md describes the format and its budget; the golden files in tests/data/reports test
it.
"""

from __future__ import annotations

import base64
import os
from _thread import allocate_lock  # `threading` costs a millisecond that one lock isn't worth
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from imagejob_worker.contract.failures import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.order import Order

PREFIX: Final = "ij1:"
# Kubernetes keeps 4,096 characters: the prefix, a newline, and 5 characters for 4 bytes.
PAYLOAD_BYTES: Final = 3272
# The length that each message has at least, even in the worst case; and the longest of all.
MESSAGE_WORST, MESSAGE_MOST = 58, 512

FORMATS: Final = ("unknown", "jpeg", "png", "webp", "avif", "gif", "tiff")

# The budget assumes these widths; only a source of absurd size is clipped.
_U16, _U32 = 0xFFFF, 0xFFFF_FFFF

Digest = Annotated[bytes, msgspec.Meta(max_length=32)]


class Source(msgspec.Struct, frozen=True, array_like=True):
    """A source: sides as displayed, in pixels; 0 and an empty digest if unknown."""

    format: int
    width: int
    height: int
    frames: int
    bytes: int
    sha256: Digest


class Output(msgspec.Struct, frozen=True, array_like=True):
    """One file that was made and stored."""

    format: int
    width: int
    height: int
    bytes: int
    sha256: Digest


class Done(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """All outputs of the item are stored; `removed` and `notes` are bits."""

    source: Source
    milliseconds: int
    removed: int
    notes: int
    outputs: tuple[Output, ...]


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The item failed: none of its outputs counts, even if some were stored."""

    reason: Reason
    message: str
    milliseconds: int
    source: Source | None


class Needs(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The item wasn't processed: its source takes `memory` bytes, more than its process may have.

    An order that allows a process so much is carried out.
    """

    source: Source
    memory: int


class Read(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The item's source has been read whole; the item hasn't ended."""

    source: Source


Entry = Done | Failed | Needs


class ReportError(ValueError):
    """A text that isn't a report."""


class ReportTooLongError(ValueError):
    """A report that exceeds its budget even without messages: the order has too many items."""


def source(
    size: int,
    sha256: bytes,
    format_: str = "unknown",
    width: int = 0,
    height: int = 0,
    frames: int = 0,
) -> Source:
    """Describe a source within the widths that the budget assumes."""
    return Source(
        FORMATS.index(format_),
        min(width, _U16),
        min(height, _U16),
        min(frames, _U16),
        min(size, _U32),
        sha256,
    )


def output(format_: str, width: int, height: int, size: int, sha256: bytes) -> Output:
    """Describe an output within the widths that the budget assumes."""
    return Output(FORMATS.index(format_), width, height, min(size, _U32), sha256)


def failed(reason: Reason, message: str, milliseconds: int, facts: Source | None) -> Failed:
    """Describe a failure; `message` becomes one line of printable ASCII."""
    ascii_ = message.encode("ascii", "backslashreplace").decode("ascii")
    line = "".join(character if " " <= character <= "~" else " " for character in ascii_)
    return Failed(reason, _cut(line, MESSAGE_MOST), milliseconds, facts)


def encode(entries: Sequence[Entry | Read | None]) -> str:
    """Encode a report, of at most 4,095 characters and a newline.

    One that exceeds the budget gets shorter messages, the longest first.
    Raises ReportTooLongError if that isn't enough.
    """
    payload = msgspec.msgpack.encode(entries)
    if len(payload) > PAYLOAD_BYTES:
        payload = _shortened(entries)
    return f"{PREFIX}{base64.b85encode(payload).decode('ascii')}\n"


def decode(text: str) -> list[Entry | Read | None]:
    """Parse a report; what follows its first line is ignored. Raises ReportError."""
    line = text.partition("\n")[0]
    if not line.startswith(PREFIX):
        raise ReportError(f"a report starts with {PREFIX}")
    try:
        payload = base64.b85decode(line[len(PREFIX) :])
        return msgspec.msgpack.decode(payload, type=list[Entry | Read | None])
    except (ValueError, msgspec.DecodeError) as error:
        raise ReportError(f"the report can't be read: {error}") from error


def worst_case(order: Order) -> int:
    """Return the most bytes that this order's payload can take, with the shortest messages.

    The figures are those of docs/work-order.md, "The budget". An unfinished item takes less than
    one that has ended.
    """
    items = sum(max(62 + 47 * len(item.outputs), 78 + MESSAGE_WORST) for item in order.items)
    return 3 + items


class ReportFile:
    """The report on disk, written whole at the start, and after each item and each source.

    The file is a mount (a pod's termination log), so it can't be replaced by renaming. A single
    write overwrites the old text, and a newline ends the new one: whenever the process dies, the
    first line is a whole report.
    """

    def __init__(self, path: str, items: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._entries: list[Entry | Read | None] = [None] * items
        self._lock = allocate_lock()

    def begin(self) -> None:
        """Write an empty report: where there is none, no worker has started."""
        with self._lock:
            self._write(encode(self._entries))

    def record(self, index: int, entry: Entry | Read) -> None:
        """Write the report with this entry in it. From any thread."""
        with self._lock:
            self._entries[index] = entry
            self._write(encode(self._entries))

    def explain(self, message: str) -> None:
        """Write a message instead of a report: the order itself can't be run."""
        with self._lock:
            self._write(f"{message.encode('ascii', 'backslashreplace').decode('ascii')[:4000]}\n")

    def seal(self) -> None:
        """Wait for a write to finish, and allow no other: the process is about to end."""
        self._lock.acquire()

    def _write(self, text: str) -> None:
        os.pwrite(self._file, text.encode("ascii"), 0)
        os.ftruncate(self._file, len(text))


def _shortened(entries: Sequence[Entry | Read | None]) -> bytes:
    """Encode with all messages cut to the greatest length at which the payload fits."""
    low, high = 0, MESSAGE_MOST
    best = _encoded(entries, low)
    if len(best) > PAYLOAD_BYTES:
        raise ReportTooLongError(f"{len(best)} bytes without any message; {PAYLOAD_BYTES} fit")
    while low < high:
        middle = (low + high + 1) // 2
        payload = _encoded(entries, middle)
        if len(payload) <= PAYLOAD_BYTES:
            low, best = middle, payload
        else:
            high = middle - 1
    return best


def _encoded(entries: Sequence[Entry | Read | None], longest: int) -> bytes:
    return msgspec.msgpack.encode(
        [
            msgspec.structs.replace(entry, message=_cut(entry.message, longest))
            if isinstance(entry, Failed)
            else entry
            for entry in entries
        ]
    )


def _cut(message: str, longest: int) -> str:
    if len(message) <= longest:
        return message
    return message[: longest - 3] + "..." if longest > 3 else ""
