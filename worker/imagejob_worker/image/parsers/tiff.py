"""TIFF: directories of tags, each pointing to the next.

Source: TIFF 6.0; Adobe DNG 1.7 (tag numbers); EXIF 2.32, 4.6.4 (which tags of TIFF are its).
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Kind
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.parsers import exif, extent, tiff_layout
from imagejob_worker.image.parsers.probe import (
    MAX_ICC_BYTES,
    MAX_PARTS,
    Probe,
    corrupt,
    too_many_parts,
)
from imagejob_worker.image.parsers.statements import stated
from imagejob_worker.image.parsers.tiff_colours import statements
from imagejob_worker.image.parsers.tiff_layout import PHOTOMETRIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.parsers.exif import Entry
    from imagejob_worker.image.parsers.probe import Data

SUBFILE, WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT = 254, 256, 257, 322, 323
SUB_IFDS, ICC, DNG = 330, 34675, 50706
METADATA_IFDS = {exif.EXIF_IFD, exif.GPS_IFD}
ROWS_PER_STRIP, ONE_STRIP = 278, 2**32 - 1
REDUCED = 1  # NewSubfileType: a smaller version of another image of the file
RAW_PHOTOMETRIC = {32803, 34892}  # colour filter array, linear raw
LAST_STANDARD_TAG = 532

# Tags that describe the image to people or programs. Those that EXIF lists for its first
# directory (Artist, Copyright, DateTime, ImageDescription, Make, Model, Software...) are EXIF.
KINDS = {
    **dict.fromkeys((269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, exif.EXIF_IFD), Kind.EXIF),
    exif.GPS_IFD: Kind.GPS | Kind.EXIF,
    exif.XMP: Kind.XMP,
    exif.IPTC: Kind.IPTC,
    ICC: Kind.ICC,
}
# Above the standard's own, registered tags that decoding needs: SGI's, Pixar's, and sample ranges.
DECODING = {32995, 32996, 32997, 32998, 33300, 33301, 33302, 33303, 33304, 33305, 33306}
PADDING = 15  # Pillow fills up to a multiple of 16, others to an even length
MAX_DIRECTORIES = 65_536
MAX_TILE_PIXELS = 2048 * 2048
"""A tile is decoded whole, beside the image: this many pixels, or twice as many as the image
has, are honest."""
TILE_BYTES = 16
"""For a pixel of a tile: as stored and as decompressed, of up to four samples of 16 bits."""


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data, order: str) -> None:
        self.data = data
        self.order = order
        self.kinds = Kind(0)
        self.pages = 0
        self.parts = 0
        self.end = 8

    def page(self, entries: Sequence[Entry]) -> None:
        """Record one directory of the main chain."""
        values = {entry.tag: entry.value for entry in entries}
        self.account_for(entries)
        if values.get(SUBFILE, 0) & REDUCED:
            self.kinds |= Kind.THUMBNAIL
        else:
            self.pages += 1
        for entry in entries:
            self.kinds |= KINDS.get(entry.tag, Kind(0))
            if (
                entry.tag > LAST_STANDARD_TAG
                and entry.tag not in KINDS
                and entry.tag not in DECODING
            ):
                self.kinds |= Kind.OTHER
            if entry.tag == SUB_IFDS:
                self._below(entry)
            elif entry.tag in METADATA_IFDS:
                self._beside(entry.value)
        self._reject_raw(values)

    def _below(self, entry: Entry) -> None:
        """Directories beside the chain: smaller versions, or what a camera's sensor saw."""
        self.kinds |= Kind.THUMBNAIL
        for index in range(min(entry.count, 16)):
            at = entry.offset + 4 * index if entry.count == 1 else entry.value + 4 * index
            if at + 4 > len(self.data):
                return
            (offset,) = unpack_from(self.order + "I", self.data, at)
            entries, _ = exif.directory(self.data, self.order, 0, offset)
            self.account_for(entries)
            self._reject_raw({found.tag: found.value for found in entries})

    def _beside(self, offset: int) -> None:
        """A directory of metadata, and the one that EXIF keeps within its own."""
        entries, _ = exif.directory(self.data, self.order, 0, offset)
        self.account_for(entries)
        for entry in entries:
            if entry.tag == exif.INTEROPERABILITY_IFD:
                self.account_for(exif.directory(self.data, self.order, 0, entry.value)[0])

    def account_for(self, entries: Sequence[Entry]) -> None:
        """Note how far a directory reaches. Raises TooLarge for more tags than any honest file."""
        self.parts += len(entries) + 1
        if self.parts > MAX_PARTS:
            raise too_many_parts("TIFF")
        self.end = max(self.end, extent.end_of(self.data, self.order, entries))

    def _reject_raw(self, values: dict[int, int]) -> None:
        if DNG in values:
            raise ItemFailure(
                "UnsupportedFormat", "the source is camera RAW (DNG), which is not supported"
            )
        if values.get(PHOTOMETRIC) in RAW_PHOTOMETRIC:
            raise ItemFailure(
                "UnsupportedFormat", "the source is camera RAW, which is not supported"
            )


def probe(data: Data) -> Probe:
    """Walk a TIFF file. Raises UnsupportedFormat (as for camera RAW), CorruptImage or TooLarge."""
    order = exif.byte_order(data)
    if order is None or len(data) < 8:
        raise corrupt("the TIFF file is cut short in its header")
    (start,) = unpack_from(order + "I", data, 4)
    if start >= len(data):
        raise corrupt("the TIFF file ends before its first directory begins")
    walk = _Walk(data, order)
    first: Sequence[Entry] = ()
    for number, entries in enumerate(exif.chain(data, order, 0, start, MAX_DIRECTORIES)):
        first = first or entries
        walk.page(entries)
        if number == MAX_DIRECTORIES - 1:
            raise too_many_parts("TIFF")
    if walk.end + PADDING < len(data):
        walk.kinds |= Kind.TRAILING
    # Of a tag that is there twice, the first counts.
    found = _found(walk, {entry.tag: entry for entry in reversed(first)})
    end = extent.end_of(data, order, first)
    missing = max(0, end - len(data)) / end
    return msgspec.structs.replace(found, ended=not missing, bytes_missing=missing)


def _found(walk: _Walk, tags: dict[int, Entry]) -> Probe:
    if WIDTH not in tags or HEIGHT not in tags:
        raise corrupt("the TIFF file's first directory states no size")
    width, height = tags[WIDTH].value, tags[HEIGHT].value
    beyond = _beyond_image(tags, width * height)
    values = {
        tag: extent.numbers(walk.data, walk.order, tags[tag])
        for tag in tiff_layout.TAGS
        if tag in tags
    }
    orientation = tags[exif.ORIENTATION].value if exif.ORIENTATION in tags else 1
    profile = tags.get(ICC)
    return Probe(
        width=width,
        height=height,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        pages=max(1, walk.pages),
        kinds=walk.kinds,
        stated=stated(
            _profile(walk.data, profile) if profile is not None else None,
            *statements(walk.data, walk.order, tags),
        ),
        layout=tiff_layout.layout(values),
        held=TILE_BYTES * beyond,
    )


def _beyond_image(tags: dict[int, Entry], pixels: int) -> int:
    """By how many pixels a tile is larger than the image. Raises CorruptImage if far too many."""
    rows = tags[ROWS_PER_STRIP].value if ROWS_PER_STRIP in tags else ONE_STRIP
    if ONE_STRIP >> 1 < rows < ONE_STRIP:  # the decoder calls it a lack of memory
        raise corrupt(f"the TIFF states strips of {rows:,} rows")
    across, down = (tags[tag].value if tag in tags else 0 for tag in (TILE_WIDTH, TILE_HEIGHT))
    if across * down > max(MAX_TILE_PIXELS, 2 * pixels):
        raise corrupt(f"the TIFF states tiles of {across:,} x {down:,} pixels")
    return max(0, across * down - pixels)


def _profile(data: Data, entry: Entry) -> bytes:
    return bytes(data[entry.value : entry.value + min(entry.count, MAX_ICC_BYTES + 1)])
