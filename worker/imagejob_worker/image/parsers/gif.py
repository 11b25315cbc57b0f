"""GIF: a screen, then extensions and images made of sub-blocks of at most 255 bytes.

Source: CompuServe, Graphics Interchange Format version 89a; XMP specification part 3, 1.1.2.
"""

from __future__ import annotations

from struct import error, pack, unpack_from
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers.probe import (
    MAX_ICC_BYTES,
    MAX_PARTS,
    Disposal,
    Patch,
    Probe,
    corrupt,
    too_many_parts,
)
from imagejob_worker.image.parsers.statements import stated

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data, Part

IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B
PLAIN_TEXT, GRAPHIC_CONTROL, COMMENT, APPLICATION = 0x01, 0xF9, 0xFE, 0xFF
ICC_NAME = b"ICCRGBG1012"  # ICC.1:2010, annex B.4
APPLICATIONS = {b"XMP DataXMP": Kind.XMP, ICC_NAME: Kind.ICC}
MAX_SUB_BLOCKS = 1_000_000  # 255 MB of them if they are full, and 0.2 s to skip
LOOPING = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}
INTERLACED, TRANSPARENT = 0x40, 0x01
PALETTE_BYTES = 768
# As browsers do: 4 is what some old writers took for 3, and 5 to 7 mean nothing.
DISPOSALS = {2: Disposal.BACKGROUND, 3: Disposal.PREVIOUS, 4: Disposal.PREVIOUS}


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.size: tuple[int, int] = unpack_from("<HH", data, 6)
        self.patches: list[Patch] = []
        self.control = (0, 0, 0)  # of the next image: flags, hundredths of a second, transparent
        self.palette = _palette(data[10], 13)
        self.plays = 1  # without a loop extension an animation runs once
        self.blocks = 0
        self.in_image = False
        self.ended = False
        self.icc: bytes | None = None

    def image(self, at: int) -> int:
        """Record the image at `at`, and return where it ends."""
        left, top, width, height, flags = unpack_from("<HHHHB", self.data, at + 1)
        if not self.patches:  # a screen that is too small for its first frame is enlarged
            self.size = max(self.size[0], left + width), max(self.size[1], top + height)
        palette = _palette(flags, at + 10)
        start = sum(palette)
        alone = _alone(
            (width, height), flags, palette if palette[1] else self.palette, self.control
        )
        patch = Patch(
            (left, top, width, height),
            (*alone, (start, max(0, len(self.data) - start))),
            milliseconds=10 * self.control[1],
            disposal=DISPOSALS.get(self.control[0] >> 2 & 7, Disposal.NONE),
        )
        self.control = (0, 0, 0)
        self.patches.append(patch)  # in case that the file ends in it
        self.in_image = True
        end = self.skip(start + 1)
        self.in_image = False
        whole = (*alone, (start, end - start), bytes((TRAILER,)))
        self.patches[-1] = msgspec.structs.replace(patch, parts=whole)
        return end

    def extension(self, at: int) -> int:
        """Record the extension at `at`, and return where it ends."""
        label = self.data[at + 1]
        if label == COMMENT:
            self.kinds |= Kind.COMMENT
        elif label == PLAIN_TEXT:
            self.kinds |= Kind.TEXT
        elif label == APPLICATION:
            self._application(at + 2)
        elif label != GRAPHIC_CONTROL:
            self.kinds |= Kind.OTHER
        elif self.data[at + 2] == 4:
            self.control = unpack_from("<BHB", self.data, at + 3)
        return self.skip(at + 2)

    def _application(self, at: int) -> None:
        name = bytes(self.data[at + 1 : at + 12])
        if name not in LOOPING:
            self.kinds |= APPLICATIONS.get(name, Kind.OTHER)
            if name == ICC_NAME and self.icc is None:
                self.icc = self._joined(at + 12)
        elif self.data[at + 13] == 1:
            (repeats,) = unpack_from("<H", self.data, at + 14)
            self.plays = repeats + 1 if repeats else 0

    def _joined(self, at: int) -> bytes:
        """What the sub-blocks at `at` hold together; of too large a profile, enough to tell."""
        whole = bytearray()
        while (length := self.data[at]) and len(whole) <= MAX_ICC_BYTES:
            whole += self.data[at + 1 : at + 1 + length]
            at += length + 1
        return bytes(whole)

    def skip(self, at: int) -> int:
        """Where the sub-blocks that begin at `at` end."""
        data = self.data
        while length := data[at]:
            at += length + 1
            self.blocks += 1
            if self.blocks > MAX_SUB_BLOCKS:
                raise too_many_parts("GIF", MAX_SUB_BLOCKS)
        return at + 1


def _palette(flags: int, at: int) -> tuple[int, int]:
    """Offset and length of the palette that such flags announce at `at`; the length may be 0."""
    return at, 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _alone(
    size: tuple[int, int], flags: int, palette: tuple[int, int], control: tuple[int, int, int]
) -> tuple[Part, ...]:
    """A file of one image, up to its data. Colours that its palette lacks are black, as browsers
    show them."""
    clear = pack("<3sBHBB", b"!\xf9\x04", TRANSPARENT, 0, control[2], 0)
    return (
        pack("<6sHHBBB", b"GIF89a", *size, 0xF7, 0, 0),
        palette,
        bytes(PALETTE_BYTES - palette[1]) + (clear if control[0] & TRANSPARENT else b""),
        pack("<BHHHHB", IMAGE, 0, 0, *size, flags & INTERLACED),
    )


def probe(data: Data) -> Probe:
    """Walk a GIF file. Raises CorruptImage if it ends before its first image begins."""
    if len(data) < 13:
        raise corrupt("the GIF file is cut short in its header")
    walk = _Walk(data)
    try:
        end = _blocks(walk, sum(walk.palette))
    except (IndexError, error):
        end = len(data)
    if not any(patch.pixels for patch in walk.patches):
        raise corrupt("the GIF file has no image, or ends before it begins")
    if end < len(data):
        walk.kinds |= Kind.TRAILING
    return Probe(
        width=walk.size[0],
        height=walk.size[1],
        frames=len(walk.patches),
        plays=walk.plays,
        patches=tuple(walk.patches),
        parts=walk.patches[0].parts,
        kinds=walk.kinds,
        stated=stated(walk.icc),
        ended=walk.ended,
        cut_frame=len(walk.patches) if walk.in_image else 0,
    )


def _blocks(walk: _Walk, at: int) -> int:
    """Walk all blocks from `at` and return where the trailer ends; it may be missing."""
    data = walk.data
    for _ in range(MAX_PARTS):
        if at == len(data):
            return at
        if data[at] == TRAILER:
            walk.ended = True
            return at + 1
        if data[at] == EXTENSION:
            at = walk.extension(at)
        elif data[at] == IMAGE:
            at = walk.image(at)
        else:
            at += 1  # as the decoder does
    raise too_many_parts("GIF")
