"""EXIF: a TIFF structure inside other containers. Read for five questions only, never for values.

Source: CIPA DC-008 (EXIF 2.32), TIFF 6.0; CIPA DC-009 (DCF 2.0), 3.1.4 (the optional colour space).
"""

from __future__ import annotations

from struct import Struct, error, unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers.statements import ExifSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.image.parsers.probe import Data

ORIENTATION = 0x0112
XMP = 0x02BC
IPTC = 0x83BB
GPS_IFD = 0x8825
EXIF_IFD, COLOUR_SPACE = 0x8769, 0xA001
INTEROPERABILITY_IFD, INTEROPERABILITY_INDEX = 0xA005, 0x0001
MAX_ENTRIES = 4096
INLINE = {1: "B", 3: "H"}  # types (BYTE, SHORT) whose one value fills a part of the field
THUMBNAIL_TAGS = {0x0201, 0x0111}  # where a thumbnail's JPEG data, or its strips, begin


class Entry:
    """One entry of a TIFF directory: `value` is the offset or the inline value, as an integer."""

    __slots__ = ("count", "kind", "offset", "tag", "value")

    def __init__(self, tag: int, kind: int, count: int, value: int, offset: int) -> None:
        self.tag, self.kind, self.count, self.value, self.offset = tag, kind, count, value, offset


def byte_order(data: Data, start: int = 0) -> str | None:
    """`<` or `>` as struct spells them; None if no TIFF structure starts at `start`."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[start : start + 4]))


def directory(data: Data, order: str, start: int, offset: int) -> tuple[list[Entry], int]:
    """The entries of the directory at `offset` from `start`, and the next directory's offset.

    A directory that runs over the end gives what is there, and 0.
    """
    entry = Struct(order + "HHI")
    entries: list[Entry] = []
    at = start + offset
    try:
        (count,) = unpack_from(order + "H", data, at)
        for index in range(min(count, MAX_ENTRIES)):
            here = at + 2 + 12 * index
            tag, kind, values = entry.unpack_from(data, here)
            letter = INLINE.get(kind, "I") if values == 1 else "I"
            (value,) = unpack_from(order + letter, data, here + 8)
            entries.append(Entry(tag, kind, values, value, here + 8))
        (following,) = unpack_from(order + "I", data, at + 2 + 12 * count)
    except error:
        return entries, 0
    return entries, following


def chain(data: Data, order: str, start: int, first: int, most: int) -> Iterator[list[Entry]]:
    """The directories that follow each other from `first`, each once, at most `most`."""
    seen: set[int] = set()
    offset = first
    while offset and offset not in seen and len(seen) < most:
        seen.add(offset)
        entries, offset = directory(data, order, start, offset)
        yield entries


def inspect(block: Data, start: int = 0) -> tuple[Kind, int]:
    """The kinds of metadata in an EXIF block, and its orientation (1 if it states none it may)."""
    order = byte_order(block, start)
    if order is None:
        return Kind.EXIF, 1
    kinds, orientation = Kind.EXIF, 1
    (first,) = unpack_from(order + "I", block, start + 4) if len(block) >= start + 8 else (0,)
    for number, entries in enumerate(chain(block, order, start, first, 2)):
        for entry in entries:
            if number == 1:
                kinds |= Kind.THUMBNAIL if entry.tag in THUMBNAIL_TAGS else Kind(0)
            elif entry.tag == ORIENTATION and 1 <= entry.value <= 8:
                orientation = entry.value
            elif number == 0:
                kinds |= _kind_of(entry.tag)
    return kinds, orientation


class Blocks:
    """What the EXIF blocks of one file say. There should be one; of several the first counts."""

    def __init__(self) -> None:
        self.kinds = Kind(0)
        self.space: ExifSpace | None = None
        self._orientation: int | None = None

    def add(self, block: bytes) -> None:
        """Read one block; all of them count as metadata."""
        kinds, orientation = inspect(block)
        self.kinds |= kinds
        if self._orientation is None:
            self._orientation, self.space = orientation, colour_space(block)

    @property
    def orientation(self) -> int:
        """The one to apply; 1 if there is no block."""
        return self._orientation or 1


def _kind_of(tag: int) -> Kind:
    return {GPS_IFD: Kind.GPS, XMP: Kind.XMP, IPTC: Kind.IPTC}.get(tag, Kind(0))


def colour_space(block: Data) -> ExifSpace | None:
    """The colours that an EXIF block, or the EXIF of a TIFF file, states; None if none."""
    order = byte_order(block)
    if order is None or len(block) < 8:
        return None
    (first,) = unpack_from(order + "I", block, 4)
    entries: dict[int, Entry] = {}
    for tag in (EXIF_IFD, INTEROPERABILITY_IFD, None):
        found, _ = directory(block, order, 0, first)
        entries |= {entry.tag: entry for entry in found}
        if tag not in entries:
            break
        first = entries[tag].value
    if COLOUR_SPACE not in entries:
        return None
    index = entries.get(INTEROPERABILITY_INDEX)
    is_r03 = index is not None and bytes(block[index.offset : index.offset + 3]) == b"R03"
    return ExifSpace(entries[COLOUR_SPACE].value, is_r03)
