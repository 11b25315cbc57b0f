"""Zero the times at which an AVIF animation was made: libavif writes them into three boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from imagejob_worker.image.parsers.boxes import boxes

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN = {b"moov", b"trak", b"mdia"}
WITH_TIMES = {b"mvhd", b"tkhd", b"mdhd"}
"""Movie, track and media header (ISO/IEC 14496-12, 8.2.2, 8.3.2 and 8.4.2)."""


def zero_timestamps(file: BinaryIO) -> None:
    """Write zero over all creation and modification times: equal pixels give equal bytes."""
    data = file.read()
    for start in _headers(data, 0, len(data)):
        file.seek(start + 4)  # after version and flags
        file.write(bytes(16 if data[start] == 1 else 8))


def _headers(data: bytes, start: int, end: int) -> Iterator[int]:
    """Yield the offset at which each header's contents begin."""
    for box in boxes(data, start, end):
        if box.name in WITH_TIMES:
            yield box.start
        elif box.name in WITHIN:
            yield from _headers(data, box.start, box.end)
