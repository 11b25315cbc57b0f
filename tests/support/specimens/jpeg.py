"""JPEG files segment by segment (ITU T.81, annex B)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from .exif import exif
from .marks import mark, photoshop, xmp, zip_archive

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP11, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_XMP_HEADER = b"http://ns.adobe.com/xmp/extension/\0"


@dataclass(frozen=True)
class Segment:
    """A marker, what it holds, where it begins; a scan's `tail` is its entropy-coded data."""

    marker: int
    payload: bytes
    start: int
    tail: bytes = b""


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def segments(data: bytes) -> Iterator[Segment]:
    """The file's segments up to EOI, whose payload is whatever follows it."""
    if data[:2] != b"\xff\xd8":
        raise ValueError("no SOI")
    position = 2
    while True:
        start, marker = position, data[position + 1]
        if data[position] != 0xFF:
            raise ValueError(f"no marker at {position}")
        if marker == EOI:
            yield Segment(marker, data[position + 2 :], start)
            return
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        payload = data[position + 4 : position + 2 + length]
        position += 2 + length
        end = _scan_end(data, position) if marker == SOS else position
        yield Segment(marker, payload, start, data[position:end])
        position = end


def _scan_end(data: bytes, position: int) -> int:
    """Where entropy-coded data stops: at a marker that is neither a stuffed zero nor a restart."""
    while True:
        position = data.index(b"\xff", position)
        if data[position + 1] != 0 and not 0xD0 <= data[position + 1] <= 0xD7:
            return position
        position += 2


def encode(picture: Image.Image, **options: object) -> bytes:
    """A plain file, with 4:4:4 sampling unless told otherwise."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **{"quality": 95, "subsampling": 0} | options)
    return buffer.getvalue()


def with_segments(plain: bytes, *extra: bytes, trailing: bytes = b"") -> bytes:
    """`extra` segments right after the JFIF header, `trailing` after the end."""
    after_jfif = next(part.start for part in segments(plain) if part.marker not in (APP0, APP14))
    return plain[:after_jfif] + b"".join(extra) + plain[after_jfif:] + trailing


def exif_segment(block: bytes) -> bytes:
    return segment(APP1, b"Exif\0\0" + block)


def xmp_segment() -> bytes:
    return segment(APP1, XMP_HEADER + xmp())


def extended_xmp_segments() -> bytes:
    """XMP over 64 KiB: in parts that name their digest, length and offset (XMP part 3, 1.1.3.1)."""
    packet = xmp("xmp-extended") + b" " * 70000 + mark("xmp-extended-end")
    parts = [packet[start : start + 60000] for start in range(0, len(packet), 60000)]
    result, offset = b"", 0
    for part in parts:
        place = b"0123456789ABCDEF0123456789ABCDEF" + struct.pack(">II", len(packet), offset)
        result += segment(APP1, EXTENDED_XMP_HEADER + place + part)
        offset += len(part)
    return result


def icc_segments(profile: bytes) -> bytes:
    parts = [profile[start : start + 65519] for start in range(0, len(profile), 65519)]
    return b"".join(
        segment(APP2, b"ICC_PROFILE\0" + bytes((number, len(parts))) + part)
        for number, part in enumerate(parts, 1)
    )


def iptc_segment(thumbnail: bytes = b"") -> bytes:
    return segment(APP13, b"Photoshop 3.0\0" + photoshop(thumbnail=thumbnail))


def thumbnail() -> bytes:
    """A preview with its own metadata: cleaners that forgot it have leaked locations before."""
    plain = encode(Image.new("RGB", (16, 12), "teal"), quality=40)
    return with_segments(plain, exif_segment(exif()), segment(COM, mark("thumbnail-comment")))


def with_second_image(first: bytes, second: bytes) -> bytes:
    """A multi-picture file (CIPA DC-007): its index points to a whole JPEG after the end."""

    def index(size: int, offset: int) -> bytes:
        entries = struct.pack(">IIIHH", 0x20030000, size, 0, 0, 0)
        entries += struct.pack(">IIIHH", 0x00020002, len(second), offset, 0, 0)
        ifd = struct.pack(">HHHI4s", 3, 0xB000, 7, 4, b"0100")
        ifd += struct.pack(">HHII", 0xB001, 4, 1, 2) + struct.pack(">HHII", 0xB002, 7, 32, 50)
        return segment(APP2, b"MPF\0" + b"MM\0*\0\0\0\x08" + ifd + b"\0\0\0\0" + entries)

    size = len(first) + len(index(0, 0))
    at = next(part.start for part in segments(first) if part.marker not in (APP0, APP14))
    # Offsets count from the byte order mark: 8 bytes into the segment.
    return first[:at] + index(size, size - at - 8) + first[at:] + second


def stuffed(picture: Image.Image, profile: bytes, orientation: int = 1) -> bytes:
    """Everything that a JPEG can carry, a second image and a ZIP behind it."""
    preview = thumbnail()
    first = with_segments(
        encode(picture),
        exif_segment(exif(orientation, ">", preview)),
        xmp_segment(),
        extended_xmp_segments(),
        icc_segments(profile),
        iptc_segment(preview),
        segment(0xE3, b"Meta\0\0" + mark("app3-kodak")),
        segment(APP11, b"JP\0\x01\0\0\0\x01" + mark("app11-c2pa")),
        segment(0xEC, b"Ducky\0\x01\0\x04" + mark("app12-ducky")),
        segment(0xEF, mark("app15")),
        segment(COM, mark("comment")),
        segment(COM, mark("comment-second")),
    )
    second = with_segments(encode(picture.resize((8, 8))), exif_segment(exif()))
    return with_second_image(first, second) + zip_archive()
