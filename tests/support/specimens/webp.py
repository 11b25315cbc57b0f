"""WebP files chunk by chunk (RFC 9649)."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from .exif import exif
from .jpeg import thumbnail
from .marks import mark, xmp, zip_archive

ICC_FLAG, ALPHA_FLAG, EXIF_FLAG, XMP_FLAG, ANIMATION_FLAG = 0x20, 0x10, 0x08, 0x04, 0x02


def chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "little") + payload + b"\0" * (len(payload) % 2)


def assemble(*chunks_: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks_)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and payload of each chunk; last `b""` with what lies beyond the RIFF size."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("no RIFF WEBP")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("the RIFF size exceeds the file")
    position = 12
    while position < end:
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        yield data[position : position + 4], data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    yield b"", data[end:]


def extended_header(width: int, height: int, flags: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", bytes((flags, 0, 0, 0)) + size)


def encode(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", **{"lossless": True} | options)
    return buffer.getvalue()


def extended(
    picture: Image.Image,
    flags: int,
    before: tuple[bytes, ...] = (),
    after: tuple[bytes, ...] = (),
    trailing: bytes = b"",
) -> bytes:
    """The image behind a VP8X header, with chunks before and after its pixels."""
    pixels = [chunk(kind, data) for kind, data in chunks(encode(picture)) if kind == b"VP8L"]
    return assemble(extended_header(*picture.size, flags), *before, *pixels, *after) + trailing


def stuffed(picture: Image.Image, profile: bytes, orientation: int = 1) -> bytes:
    """Everything that a WebP can carry, unknown chunks, and a ZIP beyond the RIFF size."""
    return extended(
        picture,
        ICC_FLAG | EXIF_FLAG | XMP_FLAG,
        before=(chunk(b"ICCP", profile), chunk(b"prVt", mark("private-chunk-early"))),
        after=(
            chunk(b"EXIF", exif(orientation, "<", thumbnail())),
            chunk(b"XMP ", xmp()),
            chunk(b"C2PA", mark("c2pa")),
        ),
        trailing=zip_archive(),
    )
