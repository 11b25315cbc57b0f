"""Items of an ISO base media `meta` box: the image's properties, and its other items.

Source: ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 9.3 (property association).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.image.parsers.boxes import Box, Reader, boxes, find
from imagejob_worker.image.parsers.probe import MAX_PARTS, too_many_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.image.parsers.probe import Data

MAX_ITEM_BYTES = 16 * 1024 * 1024
CODED = b"av01"


class Item(msgspec.Struct):
    """One item: its type, the content type of a `mime` item, and where its data is in the file."""

    kind: bytes
    content_type: bytes = b""
    extents: list[tuple[int, int]] = []

    def read(self, data: Data, most: int = MAX_ITEM_BYTES) -> bytes:
        """The item's data, at most 16 MiB of it."""
        pieces: list[bytes] = []
        left = most
        for offset, length in self.extents:
            piece = bytes(data[offset : offset + min(length or left, left)])
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


class Items(msgspec.Struct):
    """The properties of the primary item, in order, and all items but the coded images.

    `coded` is the primary item itself, or the first coded part of it.
    """

    properties: list[Box] = []
    coded: Item | None = None
    others: list[Item] = []
    has_thumbnail: bool = False


def read_items(data: Data, meta: Box) -> Items:
    """Read a meta box. Raises IndexError where it is cut short."""
    start, end = meta.start + 4, meta.end
    primary = _primary(data, find(data, start, end, b"pitm"))
    items = dict(_infos(data, find(data, start, end, b"iinf")))
    _locate(data, find(data, start, end, b"iloc"), find(data, start, end, b"idat"), items)
    container = find(data, start, end, b"iprp", b"ipco")
    found = list(boxes(data, container.start, container.end)) if container is not None else []
    wanted = _associated(data, find(data, start, end, b"iprp", b"ipma"), primary)
    references = find(data, start, end, b"iref")
    return Items(
        properties=[found[index - 1] for index in wanted if 0 < index <= len(found)],
        coded=_coded(items, primary),
        others=[item for item in items.values() if item.kind in (b"Exif", b"mime", b"uri ")],
        has_thumbnail=references is not None
        and find(data, references.start + 4, references.end, b"thmb") is not None,
    )


def _coded(items: dict[int, Item], primary: int) -> Item | None:
    """The primary item, or the first image of the file where that is put together from others."""
    first = items.get(primary)
    if first is not None and first.kind == CODED:
        return first
    return next((item for item in items.values() if item.kind == CODED), None)


def _primary(data: Data, box: Box | None) -> int:
    if box is None:
        return 0
    reader = Reader(data, box.start, box.end)
    return reader.integer(4 if reader.integer(4) >> 24 else 2)


def _infos(data: Data, box: Box | None) -> Iterator[tuple[int, Item]]:
    if box is None:
        return
    reader = Reader(data, box.start, box.end)
    reader.integer(4 if reader.integer(4) >> 24 else 2)
    for info in boxes(data, reader.at, box.end):
        entry = Reader(data, info.start, info.end)
        version = entry.integer(4) >> 24
        number = entry.integer(4 if version > 2 else 2)
        entry.integer(2)  # protection
        kind = entry.integer(4).to_bytes(4, "big")
        entry.text()
        yield number, Item(kind, entry.text() if kind == b"mime" else b"")


def _locate(data: Data, box: Box | None, idat: Box | None, items: dict[int, Item]) -> None:
    """Give each item its extents. Construction method 0 counts from the file, 1 from `idat`."""
    if box is None:
        return
    reader = Reader(data, box.start, box.end)
    version = reader.integer(4) >> 24
    sizes, more = reader.integer(1), reader.integer(1)
    index_size = more & 15 if version else 0
    parts = 0
    for _ in range(reader.integer(4 if version > 1 else 2)):
        number = reader.integer(4 if version > 1 else 2)
        method = reader.integer(2) & 15 if version else 0
        reader.integer(2)  # which file: this one
        base = reader.integer(more >> 4) + (idat.start if method == 1 and idat is not None else 0)
        extents: list[tuple[int, int]] = []
        for _ in range(reader.integer(2)):
            reader.integer(index_size)
            extents.append((base + reader.integer(sizes >> 4), reader.integer(sizes & 15)))
            parts += 1
            if parts > MAX_PARTS:
                raise too_many_parts("AVIF")
        if number in items:
            items[number].extents = extents


def _associated(data: Data, box: Box | None, primary: int) -> list[int]:
    """The one-based indices of the primary item's properties."""
    if box is None:
        return []
    reader = Reader(data, box.start, box.end)
    head = reader.integer(4)
    version, wide = head >> 24, head & 1
    for _ in range(min(reader.integer(4), MAX_PARTS)):
        number = reader.integer(4 if version else 2)
        indices = [
            reader.integer(2) & 0x7FFF if wide else reader.integer(1) & 0x7F
            for _ in range(reader.integer(1))
        ]
        if number == primary:
            return indices
    return []
