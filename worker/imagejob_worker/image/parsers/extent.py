"""Where the last byte lies that a TIFF's directories account for: what follows is no part of it.

Source: TIFF 6.0, section 2 (types), section 8 and 15 (strips, tiles), section 22 (JPEG).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.parsers.exif import Entry
    from imagejob_worker.image.parsers.probe import Data

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
RUNS = {273: 279, 324: 325, 513: 514}
"""Tags that say where strips, tiles and a JPEG begin, and those that say how long they are."""

MAX_RUNS = 65_536
"""Of more strips or tiles than this the last is taken to end with the file."""


def end_of(data: Data, order: str, entries: Sequence[Entry]) -> int:
    """The end of a directory, of its values, and of the pixels that it points to."""
    if not entries:
        return 0
    tags = {entry.tag: entry for entry in entries}
    ends = [entries[-1].offset + 8]  # the last value, and the next directory's offset
    ends += [entry.value + _size(entry) for entry in entries if _size(entry) > 4]
    for starts, lengths in RUNS.items():
        if starts in tags and tags[starts].count > MAX_RUNS:
            ends.append(len(data))
        elif starts in tags and lengths in tags:
            pairs = zip(
                numbers(data, order, tags[starts]),
                numbers(data, order, tags[lengths]),
                strict=False,
            )
            ends += [start + length for start, length in pairs]
    return max(ends)


def _size(entry: Entry) -> int:
    return entry.count * SIZES.get(entry.kind, 0)


def numbers(data: Data, order: str, entry: Entry) -> tuple[int, ...]:
    """An entry's values, as far as the file holds them."""
    letter = {1: "B", 3: "H", 4: "I"}.get(entry.kind)
    if letter is None:
        return ()
    at = entry.value if _size(entry) > 4 else entry.offset
    count = min(entry.count, MAX_RUNS, (len(data) - at) // SIZES[entry.kind])
    return unpack_from(f"{order}{count}{letter}", data, at) if count > 0 else ()
