"""GIF files block by block (GIF89a)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import Image

from .marks import mark, xmp, zip_archive


def sub_blocks(data: bytes) -> bytes:
    parts = [data[start : start + 255] for start in range(0, len(data), 255)]
    return b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


def comment(data: bytes) -> bytes:
    return b"!\xfe" + sub_blocks(data)


def plain_text(data: bytes) -> bytes:
    return b"!\x01\x0c" + struct.pack("<4HBBBB", 0, 0, 8, 8, 8, 8, 1, 0) + sub_blocks(data)


def application(identifier: bytes, data: bytes) -> bytes:
    return b"!\xff\x0b" + identifier + sub_blocks(data)


def xmp_application() -> bytes:
    """XMP is stored without sub-blocks; a magic trailer lets readers of sub-blocks find the end."""
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return b"!\xff\x0bXMP DataXMP" + xmp() + trailer


def screen(width: int, height: int) -> bytes:
    """Header, logical screen and a palette of two colours."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"


def frame(
    width: int, height: int, codes: bytes, minimum: int = 2, left: int = 0, top: int = 0
) -> bytes:
    """An image block; `codes` is LZW data."""
    return (
        b","
        + struct.pack("<4HB", left, top, width, height, 0)
        + bytes((minimum,))
        + sub_blocks(codes)
    )


def control(delay: int = 5, disposal: int = 1) -> bytes:
    return b"!\xf9\x04" + struct.pack("<BHB", disposal << 2, delay, 0) + b"\0"


def encode(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "GIF", **options)
    return buffer.getvalue()


def palette_end(data: bytes) -> int:
    """Where header, logical screen and global palette end."""
    return 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)


def with_blocks(plain: bytes, *blocks: bytes, after: bytes = b"", trailing: bytes = b"") -> bytes:
    """Blocks before the first image, blocks before the trailer, bytes after it."""
    at = palette_end(plain)
    return plain[:at] + b"".join(blocks) + plain[at:-1] + after + plain[-1:] + trailing


def boundaries(data: bytes) -> Iterator[int]:
    """Where each block begins, the trailer included."""
    position = palette_end(data)
    while data[position] != 0x3B:
        yield position
        if data[position] == 0x21:
            position += 2
        else:
            position += 11 + (3 << (data[position + 9] & 7) + 1 if data[position + 9] & 0x80 else 0)
        while data[position]:
            position += 1 + data[position]
        position += 1
    yield position


def stuffed(picture: Image.Image, profile: bytes) -> bytes:
    """Everything that a GIF can carry, and a ZIP behind it."""
    plain = encode(picture)
    return with_blocks(
        b"GIF89a" + plain[6:],
        comment(mark("comment")),
        xmp_application(),
        application(b"ICCRGBG1012", profile),
        application(b"MGK8BIM0000", mark("app-photoshop")),
        application(b"LEAKAPP1.00", mark("app-private")),
        after=comment(mark("comment-late")) + plain_text(mark("plain-text")),
        trailing=zip_archive(),
    )
