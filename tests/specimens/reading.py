"""What an output file holds besides its picture, found by walking its container from end to end.

An allow-list: each reader names the parts that a bare picture needs; all others are findings.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import pyexiv2

from . import avif, jpeg, png, webp

_JPEG_FRAMES_AND_TABLES = {0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD}
_PNG_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_WEBP_PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
_AVIF_STRUCTURE = {
    b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ispe",
    b"pixi",     b"av1C", b"colr", b"ipma", b"iref", b"auxC", b"mdat",
}  # fmt: skip
# AV1's open bitstream units: sequence header, temporal delimiter, frame header, tile group, frame.
# Missing: 5, metadata, which can carry text (ITU-T T.35); 15, padding.
_AV1_UNITS = {1, 2, 3, 4, 6}


@dataclass(frozen=True)
class Contents:
    """`icc` is the profile, unpacked; `extras` names every part that a bare picture does not need.

    `unpacked` is all that a raw search of the file can't see because it is compressed.
    """

    icc: bytes
    extras: tuple[str, ...]
    unpacked: bytes = b""


def read(kind: str, data: bytes) -> Contents:
    return {"jpeg": _jpeg, "png": _png, "webp": _webp, "avif": _avif}[kind](data)


def _jpeg(data: bytes) -> Contents:
    icc, extras = b"", []
    for part in jpeg.segments(data):
        if part.marker == jpeg.APP2 and part.payload.startswith(b"ICC_PROFILE\0"):
            icc += part.payload[14:]
        elif not _is_plain(part):
            extras.append(f"segment {part.marker:02x} {part.payload[:24]!r}")
    return Contents(icc, tuple(extras))


def _is_plain(part: jpeg.Segment) -> bool:
    match part.marker:
        case jpeg.APP0:  # no thumbnail
            return part.payload[:5] == b"JFIF\0" and len(part.payload) == 14
        case jpeg.APP14:  # the colour transform
            return part.payload[:5] == b"Adobe" and len(part.payload) == 12
        case jpeg.EOI:  # nothing behind it
            return not part.payload
    return part.marker in _JPEG_FRAMES_AND_TABLES


def _png(data: bytes) -> Contents:
    icc, extras, unpacked = b"", [], b""
    for kind, payload in png.chunks(data):
        if kind == b"iCCP":
            name, _, packed = payload.partition(b"\0")
            icc = zlib.decompress(packed[1:])
            unpacked += name
        elif kind == b"" and not payload:
            continue
        elif kind not in _PNG_PIXELS:
            extras.append(f"chunk {kind!r} {payload[:24]!r}")
    return Contents(icc, tuple(extras), unpacked)


def _webp(data: bytes) -> Contents:
    icc, extras, claimed = b"", [], 0
    for kind, payload in webp.chunks(data):
        if kind == b"ICCP":
            icc = payload
        elif kind == b"VP8X":
            claimed = payload[0] & (webp.EXIF_FLAG | webp.XMP_FLAG)
        elif kind == b"" and not payload:
            continue
        elif kind not in _WEBP_PIXELS:
            extras.append(f"chunk {kind!r} {payload[:24]!r}")
    if claimed:
        extras.append(f"VP8X claims metadata: {claimed:02x}")
    return Contents(icc, tuple(extras))


def _avif(data: bytes) -> Contents:
    icc, extras, media = b"", [], (0, 0)
    for part in avif.boxes(data):
        if part.kind == b"colr" and part.payload[:4] == b"prof":
            icc = part.payload[4:]
        elif part.kind == b"colr" and part.payload[:4] != b"nclx":
            extras.append(f"colr {part.payload[:24]!r}")
        elif part.kind == b"mdat":
            media = part.start + 8, part.start + 8 + len(part.payload)
        elif part.kind not in _AVIF_STRUCTURE:
            extras.append(f"box {part.kind!r} {part.payload[:24]!r}")
    return Contents(icc, (*extras, *_avif_items(data, *media)))


def _avif_items(data: bytes, start: int, end: int) -> list[str]:
    """Items that are no picture, units of a picture that are none, media data of no item."""
    types, position, extras = avif.item_types(data), start, []
    extents = avif.item_extents(data)
    for offset, length, item in sorted(
        (*row, item) for item, rows in extents.items() for row in rows
    ):
        if offset != position:
            extras.append(f"media data at {position} belongs to no item")
        position = offset + length
        if types[item] != b"av01":
            extras.append(f"item {types[item]!r}")
        else:
            units = set(avif.open_bitstream_units(data[offset:position])) - _AV1_UNITS
            extras += [f"AV1 unit {unit}" for unit in units]
    if position != end:
        extras.append(f"media data at {position} belongs to no item")
    return extras


def by_exiv2(data: bytes) -> dict[str, object]:
    """What exiv2 finds: nothing is an empty dictionary. The picture's own shape is no metadata."""
    with pyexiv2.ImageData(data) as image:
        found: dict[str, object] = {
            "exif": image.read_exif(),
            "iptc": image.read_iptc(),
            "xmp": image.read_xmp(),
            "xmp packet": image.read_raw_xmp(),
            "comment": image.read_comment(),
            "thumbnail": image.read_thumbnail(),
            "icc": image.read_icc(),
        }
    return {kind: value for kind, value in found.items() if value}
