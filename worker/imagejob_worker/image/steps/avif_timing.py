"""What libavif writes of an AVIF animation's timing, put right in the file.

Creation times become zero, so that equal pixels give equal bytes. And Pillow has no setting for how
often an animation is played: libavif writes "endlessly".
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING, BinaryIO

from imagejob_worker.image.parsers.boxes import boxes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.image.parsers.boxes import Box

WITHIN = {b"moov", b"trak", b"mdia", b"edts"}
WITH_TIMES = {b"mvhd", b"tkhd", b"mdhd"}
"""Movie, track and media header (ISO/IEC 14496-12, 8.2.2, 8.3.2 and 8.4.2)."""

DURATIONS = {b"mvhd": 24, b"tkhd": 28}
"""Where the duration, of 8 bytes, lies in version 1 of a box, the one that libavif writes."""

SEGMENT = 8
"""Where an edit list's first entry has the duration of one play (8.6.6). A track repeats its edit
list until its own duration ends, if the list's flags say so (ISO/IEC 23008-12, 9.6.1)."""


def set_timing(file: BinaryIO, plays: int) -> None:
    """Zero all creation and modification times, and set how often it is played (0: endlessly)."""
    data = file.read()
    found = [*_timing_boxes(data, 0, len(data))]
    for box in found:
        if box.name in WITH_TIMES:
            _write(file, box.start + 4, bytes(16 if data[box.start] == 1 else 8))
    lists = [box for box in found if box.name == b"elst"]
    if not plays or not lists:
        return
    (once,) = unpack_from(">Q", data, lists[0].start + SEGMENT)
    for box in found:
        if box.name in DURATIONS:
            _write(file, box.start + DURATIONS[box.name], (plays * once).to_bytes(8, "big"))
    for box in lists:
        _write(file, box.start + 3, bytes((int(plays > 1),)))


def _write(file: BinaryIO, at: int, data: bytes) -> None:
    file.seek(at)
    file.write(data)


def _timing_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    for box in boxes(data, start, end):
        if box.name in WITH_TIMES or box.name == b"elst":
            yield box
        elif box.name in WITHIN:
            yield from _timing_boxes(data, box.start, box.end)
