"""WebP: RIFF chunks.

Source: RFC 9649 (WebP image format).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers import exif
from imagejob_worker.image.parsers.probe import (
    MAX_ICC_BYTES,
    MAX_PARTS,
    Probe,
    corrupt,
    too_many_parts,
)
from imagejob_worker.image.parsers.statements import stated

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data
    from imagejob_worker.image.parsers.statements import ExifSpace

PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.orientation = 1
        self.icc: bytes | None = None
        self.exif_space: ExifSpace | None = None
        self.plays = 0
        self.frames = 0

    def chunk(self, name: bytes, at: int, length: int) -> None:
        """Record the chunk whose data is at `at`."""
        if name == b"ANMF":
            self.frames += 1
        elif name == b"ANIM" and length >= 6:
            (self.plays,) = unpack_from("<H", self.data, at + 4)
        elif name == b"EXIF":
            block = bytes(self.data[at : at + length]).removeprefix(b"Exif\0\0")
            kinds, self.orientation = exif.inspect(block)
            self.exif_space = exif.colour_space(block)
            self.kinds |= kinds
        elif name == b"XMP ":
            self.kinds |= Kind.XMP
        elif name == b"ICCP":
            self.kinds |= Kind.ICC
            self.icc = bytes(self.data[at : at + min(length, MAX_ICC_BYTES + 1)])
        elif name not in PIXELS:
            self.kinds |= Kind.OTHER


def probe(data: Data) -> Probe:
    """Walk a WebP file. Raises CorruptImage if its first chunk states no size."""
    if len(data) < 30:
        raise corrupt("the WebP file is cut short in its header")
    width, height = _size(data)
    walk, end = _Walk(data), _end(data)
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            break
        name, length = unpack_from("<4sI", data, at)
        walk.chunk(name, at + 8, min(length, end - at - 8))
        at += 8 + length + length % 2
    else:
        raise too_many_parts("WebP")
    if len(data) > end:
        walk.kinds |= Kind.TRAILING
    return Probe(
        width=width,
        height=height,
        orientation=walk.orientation,
        frames=max(1, walk.frames),
        plays=walk.plays,
        kinds=walk.kinds,
        stated=stated(walk.icc, walk.exif_space),
    )


def _end(data: Data) -> int:
    """Where the RIFF ends; some writers leave out its last byte of padding."""
    (declared,) = unpack_from("<I", data, 4)
    end = 8 + declared + declared % 2
    if end > len(data) + 1:
        raise corrupt("the WebP file is cut short")
    return min(int(end), len(data))


def _size(data: Data) -> tuple[int, int]:
    """The canvas, from whichever of the three first chunks there is."""
    name = bytes(data[12:16])
    if name == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if name == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise corrupt("the WebP file does not begin with an image")
