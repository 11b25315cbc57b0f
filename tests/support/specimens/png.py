"""PNG files chunk by chunk (ISO/IEC 15948)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from .exif import exif
from .jpeg import thumbnail
from .marks import iptc, mark, xmp, zip_archive

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(4, "big")
        + kind
        + payload
        + zlib.crc32(kind + payload).to_bytes(4, "big")
    )


def header(
    width: int, height: int, depth: int = 8, colour: int = 2, *, interlaced: bool = False
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def assemble(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and payload of each chunk, its checksum verified; last `b""` with what follows IEND."""
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG signature")
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        payload = data[position + 8 : position + 8 + length]
        if chunk(kind, payload) != data[position : position + 12 + length]:
            raise ValueError(f"{kind!r} at {position} is damaged")
        yield kind, payload
        position += 12 + length
    yield b"", data[position:]


def encode(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def with_chunks(
    plain: bytes, *before: bytes, after: tuple[bytes, ...] = (), trailing: bytes = b""
) -> bytes:
    """Chunks right after IHDR, chunks between IDAT and IEND, bytes after the end."""
    start, end = len(SIGNATURE) + 25, len(plain) - 12
    return (
        plain[:start]
        + b"".join(before)
        + plain[start:end]
        + b"".join(after)
        + plain[end:]
        + trailing
    )


def iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", mark("icc-name") + b"\0\0" + zlib.compress(profile))


def text(keyword: bytes, value: bytes) -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + value)


def compressed_text(keyword: bytes, value: bytes) -> bytes:
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(value))


def international_text(keyword: bytes, value: bytes, *, compressed: bool = False) -> bytes:
    body = zlib.compress(value) if compressed else value
    return chunk(b"iTXt", keyword + bytes((0, compressed, 0)) + b"\0\0" + body)


def xmp_chunk() -> bytes:
    return international_text(b"XML:com.adobe.xmp", xmp())


def raw_profile(kind: bytes, data: bytes) -> bytes:
    """ImageMagick's and exiv2's way to put IPTC and EXIF into a PNG: hexadecimal, compressed."""
    body = b"\n%s\n%8d\n%s\n" % (kind, len(data), data.hex().encode())
    return compressed_text(b"Raw profile type " + kind, body)


def stuffed(picture: Image.Image, profile: bytes, orientation: int = 1) -> bytes:
    """Everything that a PNG can carry, before and after the pixels, and a ZIP behind it."""
    return with_chunks(
        encode(picture),
        iccp(profile),
        chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 22, 10, 0, 0)),
        chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        chunk(b"eXIf", exif(orientation, ">", thumbnail())),
        text(b"Author", mark("text")),
        text(b"Comment", mark("text-comment")),
        compressed_text(b"Description", mark("text-compressed")),
        international_text(b"Title", mark("text-international")),
        international_text(b"Copyright", mark("text-international-compressed"), compressed=True),
        xmp_chunk(),
        raw_profile(b"iptc", iptc()),
        raw_profile(b"exif", b"Exif\0\0" + exif()),
        chunk(b"prVt", mark("private-chunk")),
        after=(text(b"Late", mark("text-late")), chunk(b"caBX", mark("c2pa"))),
        trailing=zip_archive(),
    )
