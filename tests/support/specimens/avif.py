"""AVIF files box by box (ISO/IEC 14496-12, 23008-12; AV1 Image File Format)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from .exif import exif
from .jpeg import thumbnail
from .marks import mark, xmp, zip_archive

CONTAINERS = {
    b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Box:
    """A box: its kind, its path from the top, its start, its content after the header."""

    kind: bytes
    path: tuple[bytes, ...]
    start: int
    payload: bytes


def box(kind: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + kind + payload


def boxes(data: bytes, path: tuple[bytes, ...] = (), offset: int = 0) -> Iterator[Box]:
    """All boxes, depth first; last `b""` with trailing bytes that are no box.

    Raises ValueError for a nonsensical size within a box.
    """
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        if not path and not 8 <= size <= len(data) - position:
            yield Box(b"", path, position, data[position:])
            return
        if not 8 <= size <= len(data) - position:
            raise ValueError(f"box {kind!r} at {offset + position} claims {size} bytes")
        payload = data[position + 8 : position + size]
        yield Box(kind, path, offset + position, payload)
        if kind in CONTAINERS:
            skip = CONTAINERS[kind]
            yield from boxes(payload[skip:], (*path, kind), offset + position + 8 + skip)
        position += size


def item_types(data: bytes) -> dict[int, bytes]:
    """The kind of each item that `iinf` (version 0 or 1; entries of version 2) declares."""
    types = {}
    table = next(part.payload for part in boxes(data) if part.kind == b"iinf")
    start = 6 if table[0] == 0 else 8
    for entry in boxes(table[start:]):
        if entry.kind != b"infe" or entry.payload[0] != 2:
            raise ValueError(f"an entry of iinf is {entry.kind!r}")
        types[int.from_bytes(entry.payload[4:6], "big")] = entry.payload[8:12]
    return types


def item_extents(data: bytes) -> dict[int, list[tuple[int, int]]]:
    """Where `iloc` (version 0 or 1) says each item's bytes are: offsets and lengths."""
    table = next(part.payload for part in boxes(data) if part.kind == b"iloc")
    version, sizes, more = table[0], table[4], table[5]
    if version > 1:
        raise ValueError(f"iloc of version {version}")
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, more >> 4
    index_size = more & 15 if version == 1 else 0
    position = 6

    def number(size: int) -> int:
        nonlocal position
        position += size
        return int.from_bytes(table[position - size : position], "big")

    extents: dict[int, list[tuple[int, int]]] = {}
    for _ in range(number(2)):
        item = number(2)
        if version == 1 and number(2) & 15:
            raise ValueError("an item is not in the file itself")
        number(2)
        base = number(base_size)
        rows = []
        for _ in range(number(2)):
            number(index_size)
            rows.append((base + number(offset_size), number(length_size)))
        extents[item] = rows
    return extents


def samples(data: bytes) -> list[tuple[int, int]]:
    """Offsets and lengths of a sequence's frames, each of whose tracks is one run of bytes."""
    found = []
    tables = {kind: [] for kind in (b"stco", b"stsz")}
    for part in boxes(data):
        if part.kind in tables:
            tables[part.kind].append(part.payload)
    for offsets, sizes in zip(tables[b"stco"], tables[b"stsz"], strict=True):
        if offsets[4:8] != b"\0\0\0\1":
            raise ValueError("a track in more than one run of bytes")
        at, same = int.from_bytes(offsets[8:12], "big"), int.from_bytes(sizes[4:8], "big")
        for number in range(int.from_bytes(sizes[8:12], "big")):
            size = same or int.from_bytes(sizes[12 + 4 * number : 16 + 4 * number], "big")
            found.append((at, size))
            at += size
    return found


def open_bitstream_units(data: bytes) -> Iterator[int]:
    """The types of an AV1 item's units (AV1 specification, 5.3); each must say its size."""
    position = 0
    while position < len(data):
        head = data[position]
        position += 2 if head & 4 else 1
        if not head & 2:
            raise ValueError("a unit without a size")
        size = shift = 0
        while True:
            byte = data[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield head >> 3 & 15
        position += size


def encode(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    fixed = {"speed": 8, "quality": 95, "subsampling": "4:4:4", "max_threads": 1}
    picture.save(buffer, "AVIF", **fixed | options)
    return buffer.getvalue()


def with_property(data: bytes, added: bytes, *, is_essential: bool = True) -> bytes:
    """The file with one more property box of its first item, before the others.

    Takes what Pillow writes: `iloc` with offsets of 4 bytes, and one byte for an association.
    """
    parts = {part.kind: part for part in boxes(data)}
    count = sum(part.path[-1:] == (b"ipco",) for part in boxes(data))
    associations = bytearray(parts[b"ipma"].payload)
    associations[10] += 1  # after version, flags, the number of items, and the first one's number
    associations[11:11] = bytes((is_essential << 7 | count + 1,))
    properties = box(b"ipco", parts[b"ipco"].payload + added) + box(b"ipma", bytes(associations))
    changed = {
        b"iprp": properties,
        b"iloc": _moved(parts[b"iloc"].payload, len(added) + 1),
    }
    meta = parts[b"meta"].payload
    inner = [part for part in boxes(meta[4:]) if not part.path]
    body = b"".join(box(part.kind, changed.get(part.kind, part.payload)) for part in inner)
    return b"".join(
        box(part.kind, meta[:4] + body if part.kind == b"meta" else part.payload)
        for part in boxes(data)
        if not part.path
    )


def _moved(table: bytes, by: int) -> bytes:
    """`iloc` of a file whose data has moved: of version 0, one extent an item."""
    out = bytearray(table)
    for start in range(8, len(table), 14):
        at = start + 6
        out[at : at + 4] = (int.from_bytes(table[at : at + 4], "big") + by).to_bytes(4, "big")
    return bytes(out)


def stuffed(picture: Image.Image, profile: bytes, orientation: int = 1) -> bytes:
    """Everything that an AVIF can carry, non-standard boxes, and a ZIP behind it."""
    # Pillow passes an EXIF block through unchanged only if it has no orientation to make `irot` of.
    block = exif(orientation if orientation != 1 else None, "<", thumbnail())
    known = encode(picture, icc_profile=profile, exif=block, xmp=xmp())
    uuid = box(b"uuid", bytes(range(16)) + mark("uuid-box"))
    return known + uuid + box(b"free", mark("free-box")) + zip_archive()
