"""Boxes of the ISO base media file format, the container of AVIF.

Source: ISO/IEC 14496-12, 4.2 (boxes), 8.11 (meta box and items).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.image.parsers.probe import MAX_PARTS, too_many_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.image.parsers.probe import Data


class Box:
    """A box: its type, where its contents begin and end, and how many bytes of it are missing."""

    __slots__ = ("end", "missing", "name", "start")

    def __init__(self, name: bytes, start: int, end: int, missing: int) -> None:
        self.name, self.start, self.end, self.missing = name, start, end, missing

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return not self.missing


def boxes(data: Data, start: int, end: int) -> Iterator[Box]:
    """The boxes from `start` to `end`, or to the first bytes that are no box."""
    at = start
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        size, name = unpack_from(">I4s", data, at)
        header = 8
        if size == 1 and at + 16 <= end:
            (size,) = unpack_from(">Q", data, at + 8)
            header = 16
        elif size == 0:  # up to the end of the file
            size = end - at
        if size < header:
            return
        yield Box(name, at + header, min(at + size, end), max(0, at + size - end))
        at += size
    raise too_many_parts("AVIF")


def find(data: Data, start: int, end: int, *path: bytes) -> Box | None:
    """The first box down this path of types; None if there is none."""
    for box in boxes(data, start, end):
        if box.name == path[0]:
            inner = box.start + (4 if box.name == b"meta" else 0)
            return box if len(path) == 1 else find(data, inner, box.end, *path[1:])
    return None


class Reader:
    """Big-endian integers of several widths, one after the other, within a box.

    Raises IndexError at the box's end.
    """

    def __init__(self, data: Data, start: int, end: int) -> None:
        self.data, self.at, self.end = data, start, end

    def integer(self, width: int) -> int:
        """The next integer, of `width` bytes; 0 for a width of 0."""
        if self.at + width > self.end:
            raise IndexError("a box is cut short")
        value = int.from_bytes(self.data[self.at : self.at + width], "big")
        self.at += width
        return value

    def text(self) -> bytes:
        """The next string, up to its closing zero or the box's end."""
        found = bytes(self.data[self.at : self.end]).split(b"\0")[0]
        self.at += len(found) + 1
        return found

    @property
    def left(self) -> int:
        """Bytes up to the box's end."""
        return max(0, self.end - self.at)
