"""PNG: a signature, then chunks of length, type, data and checksum.

Source: W3C Portable Network Graphics, third edition (with APNG, eXIf and cICP).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING
from zlib import crc32

from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers import apng, exif
from imagejob_worker.image.parsers.png_colours import CHUNKS as COLOURS
from imagejob_worker.image.parsers.png_colours import Colours
from imagejob_worker.image.parsers.probe import MAX_PARTS, Probe, corrupt, too_many_parts
from imagejob_worker.image.parsers.statements import stated

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data

STILL = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
PIXELS = {b"IDAT", b"fdAT"}
# How pixels are to be shown: no metadata, and not needed once they are in sRGB.
RENDERING = {
    b"cICP",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"sBIT",
    b"bKGD",
    b"hIST",
    b"pHYs",
    b"mDCV",
    b"cLLI",
}
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
XMP_KEY = b"XML:com.adobe.xmp"
# What ImageMagick and exiftool write, with the block in hexadecimal as text.
RAW_PROFILES = {
    b"Raw profile type exif": Kind.EXIF,
    b"Raw profile type APP1": Kind.EXIF,
    b"Raw profile type iptc": Kind.IPTC,
    b"Raw profile type xmp": Kind.XMP,
    b"Raw profile type icc": Kind.ICC,
    XMP_KEY: Kind.XMP,
}
GREY, RGB, GREY_ALPHA = 0, 2, 4  # colour types


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.exif = exif.Blocks()
        self.colours = Colours()
        self.frames = apng.Frames(data)
        self.has_pixels = False
        self.clear: int | tuple[int, int, int] | None = None
        self.parts: list[tuple[int, int]] = [(0, 8)]
        self.ended = False
        self.cut_in_pixels = False
        self.pixels: list[tuple[int, int]] = []  # of the still image
        self.wrong_at = 0

    def chunk(self, name: bytes, at: int, length: int) -> None:
        """Record the chunk whose length field is at `at`."""
        if name in PIXELS and not self._is_right(at + 4, length + 4):
            self.wrong_at = self.wrong_at or (at if name == b"IDAT" else 0)
            self.frames.spoil()
        if name in STILL:
            _append(self.parts, at, length + 12)
        if name in COLOURS:
            self.colours.chunk(self.data, name, at, length, late=self.has_pixels)
        if name == b"IDAT":
            self.has_pixels = True
            self.pixels.append((at + 8, length))
        elif name == b"tRNS":
            self.clear = _clear(self.data, at + 8, length)
        if name in STILL or name in apng.CHUNKS:
            self.frames.chunk(name, at + 8, length)
        elif name not in RENDERING:
            self._ancillary(name, at + 8, length)

    def _is_right(self, at: int, length: int) -> bool:
        """Whether the checksum that follows is that of the bytes before it, or isn't there."""
        with memoryview(self.data) as view, view[at : at + length] as checked:
            found = bytes(view[at + length : at + length + 4])
            return len(found) < 4 or crc32(checked).to_bytes(4, "big") == found

    def cut(self, name: bytes, at: int, length: int) -> None:
        """Record the chunk that the file ends in; only its checksum may be missing."""
        if name not in PIXELS:
            return
        self.cut_in_pixels = at + 8 + length > len(self.data)
        self.chunk(name, at, min(length, len(self.data) - at - 8))

    def cut_frame(self, spoilt: int) -> int:
        """The first frame of an animation that isn't there whole; 0: none."""
        if spoilt:
            return spoilt
        if self.ended or self.frames.declared <= self.frames.count - self.cut_in_pixels:
            return 0
        return self.frames.count + (not self.cut_in_pixels)

    def _ancillary(self, name: bytes, at: int, length: int) -> None:
        if name == b"eXIf":
            self.exif.add(bytes(self.data[at : at + length]))
        elif name in TEXTS:
            key = bytes(self.data[at : at + min(length, 80)]).split(b"\0")[0]
            self.kinds |= RAW_PROFILES.get(key, Kind.TEXT)
        elif name == b"iCCP":
            self.kinds |= Kind.ICC
        else:
            self.kinds |= Kind.OTHER


def _clear(data: Data, at: int, length: int) -> int | tuple[int, int, int] | None:
    """The transparent colour, scaled as the decoder scales samples; None where the decoder knows.

    Grey of 1, 2 or 4 bits is decoded as 0 to 255. RGB of 16 bits is decoded by its high bytes, so
    neighbours of the transparent colour that share them become transparent too. Grey of 16 bits
    stays as it is.
    """
    depth, colour_type = data[24], data[25]
    if colour_type == GREY and length >= 2:
        (grey,) = unpack_from(">H", data, at)
        most = (1 << depth) - 1
        return int(grey) if depth >= 8 else (grey & most) * 255 // most
    if colour_type == RGB and length >= 6 and depth == 16:
        red, green, blue = unpack_from(">HHH", data, at)
        return red >> 8, green >> 8, blue >> 8
    return None


def _append(parts: list[tuple[int, int]], at: int, length: int) -> None:
    """Add a part, joined to the one before where they touch: files of many IDATs have few parts."""
    offset, before = parts[-1]
    if offset + before == at:
        parts[-1] = (offset, before + length)
    else:
        parts.append((at, length))


def probe(data: Data) -> Probe:
    """Walk a PNG file. Raises CorruptImage if it has no header, or ends before its image."""
    if len(data) < 33 or bytes(data[12:16]) != b"IHDR":
        raise corrupt("the PNG file has no header")
    walk = _Walk(data)
    at = 8
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return _found(walk)
        length, name = unpack_from(">I4s", data, at)
        if at + length + 12 > len(data):
            walk.cut(name, at, length)
            return _found(walk)
        walk.chunk(name, at, length)
        at += length + 12
        if name == b"IEND":
            walk.ended = True
            walk.kinds |= Kind.TRAILING if at < len(data) else Kind(0)
            return _found(walk)
    raise too_many_parts("PNG")


def _found(walk: _Walk) -> Probe:
    if not walk.has_pixels:
        raise corrupt("the PNG file ends before its image begins")
    width, height = unpack_from(">II", walk.data, 16)
    patches, spoilt = walk.frames.usable()
    cut_frame = walk.cut_frame(spoilt)
    return Probe(
        width=width,
        height=height,
        orientation=walk.exif.orientation,
        frames=max(1, walk.frames.declared if cut_frame else len(patches)),
        plays=walk.frames.plays,
        patches=patches,
        apart=walk.frames.has_apart,
        kinds=walk.kinds | walk.exif.kinds,
        stated=stated(None, *walk.colours.statements(), walk.exif.space),
        hdr=walk.colours.hdr,
        grey=walk.data[25] in (GREY, GREY_ALPHA),
        clear=walk.clear,
        lossless=True,
        parts=tuple(walk.parts),
        ended=walk.ended,
        cut_frame=cut_frame,
        wrong_at=walk.wrong_at,
        pixels=tuple(walk.pixels) if walk.wrong_at else (),
        deep=walk.data[24] == 16,
    )
