"""PNG: a signature, then chunks of length, type, data and checksum.

Source: W3C Portable Network Graphics, third edition (with APNG, eXIf and cICP).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers import exif
from imagejob_worker.image.parsers.png_colours import CHUNKS as COLOURS
from imagejob_worker.image.parsers.png_colours import Colours
from imagejob_worker.image.parsers.probe import MAX_PARTS, Probe, corrupt, too_many_parts
from imagejob_worker.image.parsers.statements import stated

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data
    from imagejob_worker.image.parsers.statements import ExifSpace

STILL = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
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
GREY, RGB, PALETTE, GREY_ALPHA = 0, 2, 3, 4  # colour types


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.orientation = 1
        self.colours = Colours()
        self.exif_space: ExifSpace | None = None
        self.has_pixels = False
        self.declared = 0
        self.plays = 0
        self.frames = 0
        self.still_first = False
        self.clear: int | tuple[int, int, int] | None = None
        self.parts: list[tuple[int, int]] = [(0, 8)]
        self.still_parts: list[tuple[int, int]] = [(0, 8)]

    def chunk(self, name: bytes, at: int, length: int) -> None:
        """Record the chunk whose length field is at `at`."""
        if name in STILL:
            _append(self.still_parts, at, length + 12)
        if name in STILL or name in ANIMATION:
            _append(self.parts, at, length + 12)
        if name in COLOURS:
            self.colours.chunk(self.data, name, at, length, late=self.has_pixels)
        if name == b"IDAT":
            self.has_pixels = True
            self.still_first |= self.frames == 0
        elif name == b"fcTL":
            self.frames += 1
        elif name == b"tRNS":
            self.clear = _clear(self.data, at + 8, length)
        elif name == b"acTL" and length >= 8:
            self.declared, self.plays = unpack_from(">II", self.data, at + 8)
        elif name not in STILL and name not in ANIMATION and name not in RENDERING:
            self._ancillary(name, at + 8, length)

    def _ancillary(self, name: bytes, at: int, length: int) -> None:
        if name == b"eXIf":
            block = bytes(self.data[at : at + length])
            kinds, self.orientation = exif.inspect(block)
            self.exif_space = exif.colour_space(block)
            self.kinds |= kinds
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


def _printable(name: bytes) -> str:
    return name.decode("ascii", "replace")


def _append(parts: list[tuple[int, int]], at: int, length: int) -> None:
    """Add a part, joined to the one before where they touch: files of many IDATs have few parts."""
    offset, before = parts[-1]
    if offset + before == at:
        parts[-1] = (offset, before + length)
    else:
        parts.append((at, length))


def probe(data: Data) -> Probe:
    """Walk a PNG file. Raises CorruptImage if it doesn't begin with a header chunk."""
    if len(data) < 33 or bytes(data[12:16]) != b"IHDR":
        raise corrupt("the PNG file has no header")
    walk = _Walk(data)
    at = 8
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            raise corrupt("the PNG file is cut short")
        length, name = unpack_from(">I4s", data, at)
        if at + length + 12 > len(data):
            raise corrupt(f"the PNG file is cut short in its {_printable(name)} chunk")
        walk.chunk(name, at, length)
        at += length + 12
        if name == b"IEND":
            walk.kinds |= Kind.TRAILING if at < len(data) else Kind(0)
            return _found(walk)
    raise too_many_parts("PNG")


def _found(walk: _Walk) -> Probe:
    width, height = unpack_from(">II", walk.data, 16)
    frames = min(walk.declared, walk.frames)
    return Probe(
        width=width,
        height=height,
        orientation=walk.orientation,
        frames=max(1, frames),
        plays=walk.plays,
        first=1 if walk.still_first else 0,
        kinds=walk.kinds,
        stated=stated(None, *walk.colours.statements(), walk.exif_space),
        hdr=walk.colours.hdr,
        palette=walk.data[25] == PALETTE,
        grey=walk.data[25] in (GREY, GREY_ALPHA),
        clear=walk.clear,
        parts=tuple(walk.parts),
        still_parts=tuple(walk.still_parts),
    )
