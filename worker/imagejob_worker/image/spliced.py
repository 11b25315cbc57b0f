"""A file with parts cut out, and others put in, without copying it.

A decoder that sees only the parts that make the image can't be attacked through the others: it has
no text chunk to inflate, no EXIF to parse, no second image to find.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.parsers.probe import Part


class Spliced(io.RawIOBase):
    """The given parts, one after the other, as a file to read.

    A part is (offset, length) in `file`, or bytes. `file` stays open when this is closed.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        super().__init__()
        self._file = file
        self._parts = parts
        self._starts: list[int] = []
        self._length = 0
        for part in parts:
            self._starts.append(self._length)
            self._length += _length(part)
        self._at = 0

    def readable(self) -> bool:
        """Return True, as io asks."""
        return True

    def seekable(self) -> bool:
        """Return True: decoders seek back and forth."""
        return True

    def tell(self) -> int:
        """The offset in what the parts make together."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset in what the parts make together."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        wanted = self._length if size is None or size < 0 else size
        pieces: list[bytes] = []
        index = bisect_right(self._starts, self._at) - 1
        while wanted > 0 and 0 <= index < len(self._parts):
            part = self._parts[index]
            into = self._at - self._starts[index]
            piece = self._piece(part, into, min(wanted, _length(part) - into))
            pieces.append(piece)
            self._at += len(piece)
            wanted -= len(piece)
            index += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, part: Part, into: int, length: int) -> bytes:
        if isinstance(part, bytes):
            return part[into : into + length]
        self._file.seek(part[0] + into)
        return self._file.read(length)


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part[1]
