"""TIFF's directories, for TIFF files and for EXIF blocks, sane or not.

TIFF 6.0, section 2: a directory is a count, entries of 12 bytes, and the next one's offset.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1}
_CODES = {SHORT: "H", LONG: "I"}

Value = bytes | Sequence[int] | Sequence[tuple[int, int]]


@dataclass
class Directory:
    """Entries by tag, and directories that tags (EXIF 34665, GPS 34853, SubIFDs 330) point to.

    `blobs` are bytes stored apart, their offset in the tag (StripOffsets 273, a thumbnail's 513).
    """

    entries: dict[int, tuple[int, Value]] = field(default_factory=dict)
    children: dict[int, Directory] = field(default_factory=dict)
    blobs: dict[int, bytes] = field(default_factory=dict)


def ascii_entry(text: bytes) -> tuple[int, Value]:
    return ASCII, text + b"\0"


def _packed(order: str, kind: int, value: Value) -> tuple[int, bytes]:
    """An entry's count and bytes."""
    if isinstance(value, bytes):
        return len(value) // _SIZES[kind], value
    if kind == RATIONAL:
        flat = [part for pair in value for part in pair]  # type: ignore[union-attr]
        return len(value), struct.pack(f"{order}{len(flat)}I", *flat)
    if kind == BYTE:
        return len(value), bytes(value)  # type: ignore[arg-type]
    return len(value), struct.pack(f"{order}{len(value)}{_CODES[kind]}", *value)


def tiff(
    directories: Sequence[Directory],
    order: str = "<",
    loop: int | None = None,
    ahead: bytes = b"",
) -> bytes:
    """A TIFF structure of chained directories; with `loop`, the last points back to that one.

    `ahead` follows the header, at offset 8.
    """
    body = bytearray(b"II*\0" if order == "<" else b"MM\0*")
    body += b"\0\0\0\0" + ahead
    link = 4
    starts: list[int] = []
    for directory in directories:
        start, next_link = _write(body, order, directory)
        struct.pack_into(f"{order}I", body, link, start)
        starts.append(start)
        link = next_link
    if loop is not None:
        struct.pack_into(f"{order}I", body, link, starts[loop])
    return bytes(body)


def _append(body: bytearray, data: bytes) -> int:
    body += b"\0" * (len(body) % 2)
    offset = len(body)
    body += data
    return offset


def _write(body: bytearray, order: str, directory: Directory) -> tuple[int, int]:
    """Append a directory and what it points to; return its offset and where its `next` link is."""
    packed: dict[int, tuple[int, int, bytes]] = {}
    for tag, (kind, value) in directory.entries.items():
        count, data = _packed(order, kind, value)
        packed[tag] = kind, count, data
    for tag, blob in directory.blobs.items():
        packed[tag] = LONG, 1, struct.pack(f"{order}I", _append(body, blob))
    for tag, child in directory.children.items():
        packed[tag] = LONG, 1, struct.pack(f"{order}I", _write(body, order, child)[0])
    rows = b""
    for tag in sorted(packed):
        kind, count, data = packed[tag]
        inline = (
            data.ljust(4, b"\0")
            if len(data) <= 4
            else struct.pack(f"{order}I", _append(body, data))
        )
        rows += struct.pack(f"{order}HHI", tag, kind, count) + inline
    start = _append(body, struct.pack(f"{order}H", len(packed)) + rows + b"\0\0\0\0")
    return start, len(body) - 4
