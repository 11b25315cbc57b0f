"""WebP: RIFF chunks.

Source: RFC 9649 (WebP image format).
"""

from __future__ import annotations

from struct import pack, unpack_from
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
    from imagejob_worker.image.parsers.probe import Data, Part

FLAGS, ALPHA = 20, 0x10  # where VP8X has its flags, and the one that says "has transparency"
ALPHA_OF_VP8L = 0x10  # in the fifth byte
PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
KNOWN = PIXELS | {b"ICCP", b"EXIF", b"XMP "}  # what follows the end that the header states


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.exif = exif.Blocks()
        self.icc: bytes | None = None
        self.plays = 0
        self.frames = 0
        self.lossless = False
        self.parts: list[Part] = []  # the chunks that make pixels
        self.clear = False  # a frame of an animation has transparency, or leaves some
        self.whole = True
        self.cut_in_frame = False

    def chunk(self, name: bytes, header: int, length: int) -> None:
        """Record the chunk whose header is at `header`."""
        at, left = header + 8, len(self.data) - header - 8
        if length > left:
            self.whole, length = False, left
            self.cut_in_frame = name == b"ANMF"
        if name in PIXELS and not (self.cut_in_frame and self.frames):
            self.parts += [pack("<4sI", name, length), (at, length), bytes(length % 2)]
        inner = bytes(self.data[at + 16 : at + 20]) if name == b"ANMF" else name
        self.lossless |= inner == b"VP8L"
        if name == b"ANMF":
            self.frames += 1
            self.clear |= length >= 29 and self._leaves_clear(at)
        elif name == b"ANIM" and length >= 6:
            (self.plays,) = unpack_from("<H", self.data, at + 4)
        elif name == b"EXIF":
            self.exif.add(bytes(self.data[at : at + length]).removeprefix(b"Exif\0\0"))
        elif name == b"XMP ":
            self.kinds |= Kind.XMP
        elif name == b"ICCP":
            self.kinds |= Kind.ICC
            profile = bytes(self.data[at : at + min(length, MAX_ICC_BYTES + 1)])
            self.icc = self.icc or profile  # of two the first counts (RFC 9649, 2.7.1.4)
        elif name not in PIXELS:
            self.kinds |= Kind.OTHER

    def _leaves_clear(self, at: int) -> bool:
        """Whether a pixel of the canvas may be transparent once the frame is drawn alone."""
        sides = (self.data[at + 6 : at + 9], self.data[at + 9 : at + 12])
        size = tuple(int.from_bytes(side, "little") + 1 for side in sides)
        kind, first = self.data[at + 16 : at + 20], self.data[at + 28]
        has_alpha = kind == b"ALPH" or (kind == b"VP8L" and first & ALPHA_OF_VP8L)
        return size != _size(self.data) or bool(has_alpha)

    @property
    def hides_alpha(self) -> bool:
        """Whether the header doesn't say that there is transparency. Browsers ignore that in
        animations; the decoder shows black."""
        is_extended = self.data[12:16] == b"VP8X"
        return self.clear and is_extended and not self.data[FLAGS] & ALPHA

    def mended(self) -> tuple[Part, ...]:
        """The parts of a file of the chunks that make pixels, with lengths and flags that fit."""
        parts = list(self.parts)
        if self.hides_alpha:
            parts[1] = bytes((self.data[FLAGS] | ALPHA,)) + bytes(self.data[FLAGS + 1 : FLAGS + 10])
        length = 4 + sum(len(part) if isinstance(part, bytes) else part[1] for part in parts)
        return pack("<4sI4s", b"RIFF", length, b"WEBP"), *parts


def probe(data: Data) -> Probe:
    """Walk a WebP file. Raises CorruptImage if its first chunk states no size."""
    width, height = _size(data)
    walk = _Walk(data)
    (declared,) = unpack_from("<I", data, 4)
    end = 8 + declared + declared % 2
    at = _chunks(walk, end)
    needed = max(end, at)
    if len(data) > needed:
        walk.kinds |= Kind.TRAILING
    # Some writers leave out the last byte of padding.
    ended = walk.whole and at <= end <= len(data) + 1
    return Probe(
        width=width,
        height=height,
        orientation=walk.exif.orientation,
        frames=max(1, walk.frames),
        plays=walk.plays,
        kinds=walk.kinds | walk.exif.kinds,
        stated=stated(walk.icc, walk.exif.space),
        lossless=walk.lossless,
        parts=None if ended and not walk.hides_alpha else walk.mended(),
        ended=ended,
        cut_frame=walk.frames if walk.cut_in_frame else 0,
        bytes_missing=max(0, needed - len(data)) / needed,
    )


def _chunks(walk: _Walk, end: int) -> int:
    """Walk all chunks, also known ones behind the end that the header states; return where they
    end, be it behind the end of the file."""
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > len(walk.data):
            return at
        name, length = unpack_from("<4sI", walk.data, at)
        if at + 8 > end and name not in KNOWN:
            return at
        walk.chunk(name, at, length)
        at += 8 + length + length % 2
    raise too_many_parts("WebP")


def _size(data: Data) -> tuple[int, int]:
    """The canvas, from whichever of the three first chunks there is."""
    name, first = bytes(data[12:16]), bytes(data[20:30])
    if name == b"VP8X" and len(first) == 10:
        return 1 + int.from_bytes(first[4:7], "little"), 1 + int.from_bytes(first[7:], "little")
    if name == b"VP8L" and len(first) >= 5 and first[0] == 0x2F:
        bits = int.from_bytes(first[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and len(first) == 10 and first[3:6] == b"\x9d\x01\x2a":
        width, height = unpack_from("<HH", first, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise corrupt("the WebP file ends before its image begins, or begins with something else")
