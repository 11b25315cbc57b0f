"""JPEG: segments, then scans, then an end marker.

Source: ITU-T T.81 annex B; T.871 (JFIF); CIPA DC-007 (MPF); Adobe XMP specification part 3.
"""

from __future__ import annotations

import re
from struct import unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.contract.facts import Kind
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.parsers import exif, photoshop
from imagejob_worker.image.parsers.probe import MAX_PARTS, Probe, corrupt, too_many_parts
from imagejob_worker.image.parsers.statements import stated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.parsers.probe import Data, Part

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP13, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF markers; the three are DHT, JPG, DAC
RARE_FRAMES = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "lossless"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "hierarchical"),
}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
TABLES = {0xC4, 0xCC, 0xDB, 0xDD}  # DHT, DAC, DQT, DRI
STANDALONE = {0x01, *range(0xD0, 0xD8)}  # TEM and RST have no length

MARKER = re.compile(rb"\xff[^\x00\xff]")
# In a scan, FF is followed by 00 (a stuffed byte) or RST; anything else is the next marker.
MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

JFIF_BYTES, ADOBE_BYTES = 14, 12
"""Shorter segments of these names state nothing: libjpeg passes over them."""

END = b"\xff\xd9"

MAX_SCANS = 500
"""A progressive image has about ten. Each scan, however few its bytes, makes a decoder visit the
whole image: ten thousand take half a minute. libjpeg-turbo's own limit in its tests is 500."""

XMP_NAMES = (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
ICC_NAME = b"ICC_PROFILE\0"


class _Walk:
    """The state of one walk: what has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.exif = exif.Blocks()
        self.size = (0, 0)
        self.progressive = False
        self.sampling: list[tuple[int, int]] = []
        self.icc: dict[int, bytes] = {}
        self.parts: list[Part] = [(0, 2)]
        self.components: tuple[int, ...] = ()
        self.complete: dict[int, int] = {}  # coefficients of a component, as bits
        self.ended = False

    def segment(self, marker: int, at: int, length: int) -> None:
        """Record the segment whose marker is at `at` and whose payload has `length` bytes."""
        payload = at + 4
        if marker in FRAMES and length >= 6:
            bits, height, width = unpack_from(">BHH", self.data, payload)
            components = self.data[payload + 5]
            whole = length == 6 + 3 * components
            _reject_rare(marker, bits, components if whole else 0)
            self.size = width, height
            self.components = tuple(self.data[payload + 6 : at + 4 + length : 3])
            self.progressive = marker in PROGRESSIVE
            self.sampling = _sampling(bytes(self.data[payload + 5 : payload + length]))
        if marker in FRAMES or marker in TABLES:
            self.parts.append((at, length + 4))
        elif marker == COM:
            self.kinds |= Kind.COMMENT
        elif APP0 <= marker <= APP15:
            self._application(marker, at, length)

    def _application(self, marker: int, at: int, length: int) -> None:
        head = bytes(self.data[at + 4 : at + 4 + min(length, 40)])
        if marker == APP0 and head.startswith(b"JFIF\0") and length >= JFIF_BYTES:
            self.parts.append((at, length + 4))
            self.kinds |= Kind.THUMBNAIL if length > 14 else Kind(0)
        elif marker == APP0 and head.startswith(b"JFXX\0"):
            self.kinds |= Kind.THUMBNAIL
        elif marker == APP14 and head.startswith(b"Adobe") and length >= ADOBE_BYTES:
            self.parts.append((at, length + 4))  # says whether CMYK is YCCK, and inverted
        elif marker == APP1 and head.startswith(b"Exif\0"):
            self.exif.add(bytes(self.data[at + 10 : at + 4 + length]))
        elif marker == APP1 and head.startswith(XMP_NAMES):
            self.kinds |= Kind.XMP
        elif marker == APP2 and head.startswith(ICC_NAME) and length > 14:
            self.kinds |= Kind.ICC
            self.icc.setdefault(head[12], bytes(self.data[at + 18 : at + 4 + length]))
        elif marker == APP13 and head.startswith(b"Photoshop 3.0\0"):
            self.kinds |= photoshop.kinds_of(bytes(self.data[at + 18 : at + 4 + length]))
        else:
            self.kinds |= Kind.OTHER

    def scan(self, header: bytes) -> None:
        """Record which coefficients are complete after a scan: of a sequential image, all."""
        if len(header) < 6 or header[-1] & 15:  # Al: the low bits come later
            return
        first, last = header[-3], min(header[-2], 63)
        bits = sum(1 << coefficient for coefficient in range(first, last + 1))
        for component in header[1:-3:2]:
            self.complete[component] = self.complete.get(component, 0) | bits

    @property
    def scans_missing(self) -> bool:
        """Whether the file ends before the scans that complete its picture."""
        every = (1 << 64) - 1
        return not self.ended and any(self.complete.get(each) != every for each in self.components)


def _sampling(components: bytes) -> list[tuple[int, int]]:
    """How often each component is sampled across and down: three bytes each, after their number."""
    factors = components[2 : 1 + 3 * components[0] : 3] if components else b""
    return [(max(1, each >> 4), max(1, each & 15)) for each in factors]


def coefficients(size: tuple[int, int], sampling: Sequence[tuple[int, int]]) -> int:
    """The bytes of all coefficients: two for each of the 64 of a block, in whole MCUs."""
    across = 8 * max((wide for wide, _ in sampling), default=1)
    down = 8 * max((high for _, high in sampling), default=1)
    units = -(-size[0] // across) * -(-size[1] // down)
    return 128 * units * sum(wide * high for wide, high in sampling)


def _reject_rare(marker: int, bits: int, components: int) -> None:
    """Reject kinds of JPEG that the decoder lacks: they are rare, and not damaged.

    `components` is 0 where the header isn't as long as so many make it.
    """
    kind = RARE_FRAMES.get(marker) or ("12-bit" if bits == 12 else "")
    if not kind and (components == 2 or components > 4):
        kind = f"{components}-component"
    if kind:
        raise ItemFailure("UnsupportedFormat", f"the source is {kind} JPEG, which is not supported")


def probe(data: Data) -> Probe:
    """Walk a JPEG file.

    Raises CorruptImage if it ends, or loses its structure, before a scan; UnsupportedFormat for the
    rare kinds of JPEG; TooLarge for too many scans or segments.
    """
    walk = _Walk(data)
    at = _first_scan(walk)
    several = walk.progressive or data[at + 4] < len(walk.sampling)
    end = _end_of_image(walk, at)
    walk.parts.append((at, end - at))
    if not walk.ended:
        walk.parts.append(END)
    elif end < len(data):
        walk.kinds |= Kind.TRAILING
    return _found(walk, several=several)


def _first_scan(walk: _Walk) -> int:
    """Walk the segments of the header; return where the first scan begins."""
    data, at = walk.data, 2
    for _ in range(MAX_PARTS):
        at, marker = _next_marker(data, at)
        if marker in STANDALONE:
            at += 2
            continue
        if marker == SOI:
            raise corrupt("the JPEG file has a second start marker in its header")
        if marker == EOI or at + 4 > len(data):
            raise corrupt("the JPEG file ends before its image begins")
        (length,) = unpack_from(">H", data, at + 2)
        if length < 2 or at + 2 + length > len(data):
            raise corrupt("the JPEG file is cut short in its header")
        if marker == SOS:
            return at
        walk.segment(marker, at, length - 2)
        at += 2 + length
    raise too_many_parts("JPEG")


def _found(walk: _Walk, *, several: bool) -> Probe:
    """Describe the file. Where its samples come in `several` scans, a decoder keeps them all."""
    profile = b"".join(walk.icc[number] for number in sorted(walk.icc))
    return Probe(
        width=walk.size[0],
        height=walk.size[1],
        orientation=walk.exif.orientation,
        kinds=walk.kinds | walk.exif.kinds,
        stated=stated(profile or None, walk.exif.space),
        parts=tuple(walk.parts),
        ended=walk.ended,
        scans_missing=walk.scans_missing,
        held=coefficients(walk.size, walk.sampling) if several else 0,
    )


def _next_marker(data: Data, at: int) -> tuple[int, int]:
    """The offset and number of the next marker from `at` on, past fill bytes and junk."""
    found = MARKER.search(data, at)
    if found is None:
        raise corrupt("the JPEG file ends before its image begins")
    return found.start(), data[found.start() + 1]


def _end_of_image(walk: _Walk, at: int) -> int:
    """The offset after the end marker, from the first scan at `at`.

    Without an end marker it is the file's length, or where a segment that isn't whole begins: the
    decoder finds out whether data is missing.
    """
    data, scans = walk.data, 0
    for _ in range(MAX_PARTS):
        if at + 4 > len(data):
            return at
        (length,) = unpack_from(">H", data, at + 2)
        if at + 2 + length > len(data):
            return at
        if data[at + 1] == SOS:
            scans += 1
            walk.scan(bytes(data[at + 4 : at + 2 + length]))
        if scans > MAX_SCANS:
            raise ItemFailure("TooLarge", f"the JPEG file has more than {MAX_SCANS} scans")
        found = MARKER_IN_SCAN.search(data, at + 2 + length)
        if found is None:
            return len(data)
        at = found.start()
        if data[at + 1] == EOI:
            walk.ended = True
            return at + 2
        if data[at + 1] == COM:
            walk.kinds |= Kind.COMMENT
    raise too_many_parts("JPEG")
