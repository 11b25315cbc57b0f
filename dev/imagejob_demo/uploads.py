"""The four uploads that must not become images, each with the reason it has to fail for."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

BOMB_SIDE = 30_000


@dataclass(frozen=True)
class BadUpload:
    """`made_of` takes a good JPEG and gives the bytes to upload; None: nothing is uploaded."""

    name: str
    file: str
    reason: str
    about: str
    made_of: Callable[[bytes], bytes] | None

    @property
    def key(self) -> str:
        """Where the ImageJob looks for it."""
        return f"incoming/{self.file}"


def bomb() -> bytes:
    """A PNG of 110 kB that wants 900 megapixels of memory once it is decoded."""
    squeeze = zlib.compressobj(9)
    row = bytes(1 + (BOMB_SIDE + 7) // 8)
    pixels = b"".join(squeeze.compress(row * 100) for _ in range(BOMB_SIDE // 100))
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", header), _chunk(b"IDAT", pixels + squeeze.flush()), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def cut_short(jpeg: bytes) -> bytes:
    """What is there when the connection breaks: a good beginning."""
    return jpeg[: len(jpeg) * 2 // 5]


NOTES = b"""Shopping list
- film
- batteries
- a name that tells the truth about what is inside
"""

BAD_UPLOADS = (
    BadUpload(
        "bomb", "banner.png", "TooLarge", "110 kB that decode to 900 MP", lambda _jpeg: bomb()
    ),
    BadUpload("cut-short", "cut-short.jpg", "CorruptImage", "60 % of it is missing", cut_short),
    BadUpload(
        "notes", "notes.jpg", "UnsupportedFormat", "text with a .jpg name", lambda _jpeg: NOTES
    ),
    BadUpload("lost", "lost.jpg", "SourceNotFound", "was never uploaded", None),
)
