"""AVIF: items and their properties, or tracks of frames.

Source: AV1 Image File Format 1.1; ISO/IEC 23008-12 (HEIF), 6.5 (properties); ISO/IEC 14496-12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers import av1, clap, exif
from imagejob_worker.image.parsers.boxes import Box, Reader, boxes, find
from imagejob_worker.image.parsers.items import Items, read_items
from imagejob_worker.image.parsers.probe import MAX_ICC_BYTES, PQ_AND_HLG, Probe, corrupt
from imagejob_worker.image.parsers.statements import CodePoints, ExifSpace, stated

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data

KNOWN = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"pdin", b"moof", b"mfra", b"sidx"}
XMP_TYPE = b"application/rdf+xml"

# EXIF's orientation for irot (quarters anti-clockwise) and then imir (None; 0: top and bottom
# exchanged, 1: left and right), which is the order in which HEIF applies them.
ORIENTATIONS: dict[tuple[int, int | None], int] = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
    (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
}  # fmt: skip


class Properties(msgspec.Struct):
    """What is found of the image. Mutable: each property box adds its part."""

    size: tuple[int, int] = (0, 0)
    quarters: int = 0
    mirror: int | None = None
    aperture: Box | None = None
    crop: tuple[int, int, int, int] | None = None
    icc: bytes | None = None
    coded: CodePoints | None = None
    exif_space: ExifSpace | None = None
    hdr: str | None = None
    kinds: Kind = Kind(0)
    frames: int = 1
    plays: int = 0

    def add(self, data: Data, box: Box) -> None:
        """Add one property box; unknown ones aren't needed here."""
        reader = Reader(data, box.start, box.end)
        if box.name == b"ispe":
            reader.integer(4)
            self.size = reader.integer(4), reader.integer(4)
        elif box.name == b"irot":
            self.quarters = reader.integer(1) & 3
        elif box.name == b"imir":
            self.mirror = reader.integer(1) & 1
        elif box.name == b"clap":
            self.aperture = box
        elif box.name == b"colr":
            self._colour(reader)

    def _colour(self, reader: Reader) -> None:
        kind = reader.integer(4).to_bytes(4, "big")
        if kind == b"nclx":
            primaries, transfer = reader.integer(2), reader.integer(2)
            self.code_points(primaries, transfer)
        elif kind in (b"prof", b"rICC") and self.icc is None:
            length = min(reader.left, MAX_ICC_BYTES + 1)
            self.icc = bytes(reader.data[reader.at : reader.at + length])

    def code_points(self, primaries: int, transfer: int) -> None:
        """Record what one description of the colours says: the first counts."""
        self.coded = self.coded or CodePoints(primaries, transfer, defaults=True)
        self.hdr = self.hdr or PQ_AND_HLG.get(transfer)


def probe(data: Data) -> Probe:
    """Walk an AVIF file. Raises CorruptImage if it states no image."""
    kinds, end = _top(data)
    kinds |= Kind.TRAILING if end < len(data) else Kind(0)
    missing = max(0, end - len(data)) / end if end else 0.0
    try:
        found = _properties(data, min(end, len(data)))
    except IndexError as error:
        raise corrupt("the AVIF file's structure is broken: a box is cut short") from error
    crop = found.crop
    width, height = found.size if crop is None else (crop[2] - crop[0], crop[3] - crop[1])
    return Probe(
        width=width,
        height=height,
        crop=crop,
        orientation=ORIENTATIONS[found.quarters, found.mirror],
        frames=found.frames,
        plays=found.plays,
        kinds=kinds | found.kinds,
        stated=stated(found.icc, found.coded, found.exif_space),
        hdr=found.hdr,
        ended=not missing,
        bytes_missing=missing,
    )


def _top(data: Data) -> tuple[Kind, int]:
    """The kinds that boxes of the file itself are, and where the last known or whole box ends, be
    it behind the end of the file."""
    kinds, end = Kind(0), 0
    for box in boxes(data, 0, len(data)):
        if box.name in KNOWN:
            end = box.end + box.missing
        elif box.whole and box.name.isalnum():
            kinds |= Kind.OTHER
            end = box.end
        else:
            break
    return kinds, end


def _properties(data: Data, end: int) -> Properties:
    """What the boxes before `end`, and the coded image, say of the image. Raises IndexError."""
    found = Properties()
    meta, moov = find(data, 0, end, b"meta"), find(data, 0, end, b"moov")
    items = read_items(data, meta) if meta is not None else Items()
    if moov is not None:
        found.frames = _frames(data, moov, found)
    for box in items.properties:  # after the track's: the decoder shows that
        found.add(data, box)
    found.kinds = _metadata(data, items, found) | (Kind.ICC if found.icc else Kind(0))
    if found.aperture is not None and moov is None:  # else the decoder shows the track
        aperture = Reader(data, found.aperture.start, found.aperture.end)
        found.crop = clap.crop(aperture, found.size)
    _read_bitstream(data, items, found)
    return found


def _read_bitstream(data: Data, items: Items, found: Properties) -> None:
    """Where no box describes the colours, the coded image may."""
    if found.coded is None and items.coded is not None:
        described = av1.colours(items.coded.read(data, av1.MAX_HEADER_BYTES))
        if described is not None:
            found.code_points(*described)


def _metadata(data: Data, items: Items, found: Properties) -> Kind:
    """The kinds that items are. EXIF's own orientation counts for nothing in AVIF."""
    kinds = Kind.THUMBNAIL if items.has_thumbnail else Kind(0)
    for item in items.others:
        if item.kind == b"Exif":
            block = item.read(data)
            skip = int.from_bytes(block[:4], "big") + 4
            kinds |= exif.inspect(block[skip:])[0]
            found.exif_space = found.exif_space or exif.colour_space(block[skip:])
        elif item.kind == b"mime":
            kinds |= Kind.XMP if item.content_type == XMP_TYPE else Kind.OTHER
        elif item.kind == b"uri ":
            kinds |= Kind.OTHER
    return kinds


def _frames(data: Data, moov: Box, found: Properties) -> int:
    """How many samples the image's track has; its colour and size go into `found`."""
    for track in boxes(data, moov.start, moov.end):
        table = find(data, track.start, track.end, b"mdia", b"minf", b"stbl")
        if track.name != b"trak" or table is None or not _is_image(data, track):
            continue
        entries = find(data, table.start, table.end, b"stsd")
        if entries is not None:
            _sample_entry(data, entries, found)
        found.plays = _plays(data, track)
        sizes = find(data, table.start, table.end, b"stsz")
        if sizes is None:
            return 1
        reader = Reader(data, sizes.start + 4, sizes.end)
        each, count = reader.integer(4), reader.integer(4)
        return max(1, min(count, len(data) if each else reader.left // 4))
    return 1


def _plays(data: Data, track: Box) -> int:
    """How often a track plays its edit list (8.6.6): until the track's own duration ends, if the
    list is to be repeated (ISO/IEC 23008-12, 9.6.1); endlessly where nothing says so."""
    header = find(data, track.start, track.end, b"tkhd")
    edits = find(data, track.start, track.end, b"edts", b"elst")
    if header is None or edits is None:
        return 0
    reader = Reader(data, edits.start, edits.end)
    width, repeats = 8 if reader.integer(1) == 1 else 4, reader.integer(3) & 1
    entries, once = reader.integer(4), reader.integer(width)
    if not repeats or not entries:
        return 1
    reader = Reader(data, header.start, header.end)
    width = 8 if reader.integer(1) == 1 else 4
    reader.integer(3 + 2 * width + 8)  # flags, times, the track's number
    whole = reader.integer(width)
    endless = not once or whole == (1 << 8 * width) - 1
    return 0 if endless else max(1, -(-whole // once))


def _is_image(data: Data, track: Box) -> bool:
    """Not the track of transparency, which is of handler type `auxv`."""
    handler = find(data, track.start, track.end, b"mdia", b"hdlr")
    return handler is not None and data[handler.start + 8 : handler.start + 12] == b"pict"


def _sample_entry(data: Data, entries: Box, found: Properties) -> None:
    """An `av01` entry holds a visual sample entry's 78 bytes, its size among them, then boxes."""
    entry = find(data, entries.start + 8, entries.end, b"av01")
    if entry is None:
        return
    if found.size == (0, 0):
        reader = Reader(data, entry.start + 24, entry.end)
        found.size = reader.integer(2), reader.integer(2)
    for box in boxes(data, entry.start + 78, entry.end):
        if box.name == b"colr":
            found.add(data, box)
