"""What an output file contains besides its image, found by walking its container from end to end.

An allow-list: each reader names the parts that a bare image needs; all others are findings.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import pyexiv2

from . import avif, jpeg, png, webp

_JPEG_FRAMES_AND_TABLES = {0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD}
_PNG_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_WEBP_PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM"}
_WEBP_FRAME = {b"VP8 ", b"VP8L", b"ALPH", b""}
_AVIF_STRUCTURE = {
    b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco", b"ispe",
    b"pixi", b"av1C", b"colr", b"ipma", b"iref", b"auxC", b"mdat",
}  # fmt: skip
_AVIF_SEQUENCE = {
    b"moov", b"mvhd", b"trak", b"tkhd", b"edts", b"mdia", b"mdhd", b"minf", b"vmhd", b"dinf",
    b"stbl", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"stss", b"tref",
}  # fmt: skip
# AV1's open bitstream units: sequence header, temporal delimiter, frame header, tile group, frame.
# Missing: 5, metadata, which can carry text (ITU-T T.35); 15, padding.
_AV1_UNITS = {1, 2, 3, 4, 6}


@dataclass(frozen=True)
class Contents:
    """`icc` is the profile, unpacked; `extras` names every part that a bare image does not need.

    `unpacked` is everything that a raw search of the file can't see because it is compressed.
    """

    icc: bytes
    extras: tuple[str, ...]
    unpacked: bytes = b""
    is_grey: bool = False


def read(kind: str, data: bytes) -> Contents:
    return {"jpeg": _jpeg, "png": _png, "webp": _webp, "avif": _avif}[kind](data)


def _jpeg(data: bytes) -> Contents:
    icc, extras = b"", []
    for part in jpeg.segments(data):
        if part.marker == jpeg.APP2 and part.payload.startswith(b"ICC_PROFILE\0"):
            icc += part.payload[14:]
        elif not _is_plain(part):
            extras.append(f"segment {part.marker:02x} {part.payload[:24]!r}")
    frame = next(part.payload for part in jpeg.segments(data) if 0xC0 <= part.marker <= 0xC2)
    return Contents(icc, tuple(extras), is_grey=frame[5] == 1)


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
    _, head = next(png.chunks(data))
    return Contents(icc, tuple(extras), unpacked, is_grey=head[9] in (0, 4))


def _webp(data: bytes) -> Contents:
    icc, extras, claimed = b"", [], 0
    for kind, payload in webp.chunks(data):
        if kind == b"ICCP":
            icc = payload
        elif kind == b"VP8X":
            claimed = payload[0] & (webp.EXIF_FLAG | webp.XMP_FLAG)
        elif kind == b"" and not payload:
            continue
        elif kind == b"ANMF":
            parts = webp.chunks(webp.assemble(payload[16:]))
            extras += [f"{part!r} in a frame" for part, _ in parts if part not in _WEBP_FRAME]
        elif kind not in _WEBP_PIXELS:
            extras.append(f"chunk {kind!r} {payload[:24]!r}")
    if claimed:
        extras.append(f"VP8X claims metadata: {claimed:02x}")
    return Contents(icc, tuple(extras))


def _avif(data: bytes) -> Contents:
    icc, extras, media, is_grey = b"", [], (0, 0), False
    for part in avif.boxes(data):
        if part.kind == b"colr" and part.payload[:4] == b"prof":
            icc = part.payload[4:]
        elif part.kind == b"av1C":
            is_grey = bool(part.payload[2] & 0x10)  # monochrome
        elif part.kind == b"colr" and part.payload[:4] != b"nclx":
            extras.append(f"colr {part.payload[:24]!r}")
        elif part.kind == b"mdat":
            media = part.start + 8, part.start + 8 + len(part.payload)
        elif part.kind in {b"mvhd", b"tkhd", b"mdhd"} and any(part.payload[4:20]):
            extras.append(f"{part.kind!r} says when the file was made")
        elif part.kind not in _AVIF_STRUCTURE | _AVIF_SEQUENCE:
            extras.append(f"box {part.kind!r} {part.payload[:24]!r}")
    return Contents(icc, (*extras, *_avif_items(data, *media)), is_grey=is_grey)


def _avif_items(data: bytes, start: int, end: int) -> list[str]:
    """Items that are no image, units of an image that are none, media data of no item."""
    types, position, extras = avif.item_types(data), start, []
    extents = {
        (*row, types[item]) for item, rows in avif.item_extents(data).items() for row in rows
    }
    # A sequence's first frame is an item too.
    for offset, length, kind in sorted(extents | {(*row, b"av01") for row in avif.samples(data)}):
        if offset != position:
            extras.append(f"media data at {position} belongs to no item")
        position = offset + length
        if kind != b"av01":
            extras.append(f"item {kind!r}")
        else:
            units = set(avif.open_bitstream_units(data[offset:position])) - _AV1_UNITS
            extras += [f"AV1 unit {unit}" for unit in units]
    if position != end:
        extras.append(f"media data at {position} belongs to no item")
    return extras


def by_exiv2(data: bytes) -> dict[str, object]:
    """What exiv2 finds; an empty dictionary if nothing. The size of the image is no metadata."""
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
