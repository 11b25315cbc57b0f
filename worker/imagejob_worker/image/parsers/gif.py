"""GIF: a screen, then extensions and images made of sub-blocks of at most 255 bytes.

Source: CompuServe, Graphics Interchange Format version 89a; XMP specification part 3, 1.1.2.
"""

from __future__ import annotations

from struct import error, unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.contract.facts import Kind
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

IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B
PLAIN_TEXT, GRAPHIC_CONTROL, COMMENT, APPLICATION = 0x01, 0xF9, 0xFE, 0xFF
ICC_NAME = b"ICCRGBG1012"  # ICC.1:2010, annex B.4
APPLICATIONS = {b"XMP DataXMP": Kind.XMP, ICC_NAME: Kind.ICC}
MAX_SUB_BLOCKS = 1_000_000  # 255 MB of them if they are full, and 0.2 s to skip
LOOPING = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}


class _Walk:
    """What has been found up to here."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.kinds = Kind(0)
        self.size: tuple[int, int] = unpack_from("<HH", data, 6)
        self.frames = 0
        self.plays = 1  # without a loop extension an animation runs once
        self.blocks = 0
        self.in_image = False
        self.ended = False
        self.icc: bytes | None = None

    def image(self, at: int) -> int:
        """Record the image at `at`, and return where it ends."""
        self.in_image = True
        left, top, width, height, flags = unpack_from("<HHHHB", self.data, at + 1)
        if self.frames == 0:  # the decoder enlarges a screen that is too small for its first frame
            self.size = max(self.size[0], left + width), max(self.size[1], top + height)
        self.frames += 1
        colours = 3 << (flags & 7) + 1 if flags & 0x80 else 0
        end = self.skip(at + 11 + colours)
        self.in_image = False
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


def probe(data: Data) -> Probe:
    """Walk a GIF file. Raises CorruptImage if it ends before its first image begins."""
    if len(data) < 13:
        raise corrupt("the GIF file is cut short in its header")
    walk = _Walk(data)
    flags = data[10]
    try:
        end = _blocks(walk, 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
    except (IndexError, error):
        end = len(data)
    if not walk.frames:
        raise corrupt("the GIF file ends before its image begins")
    if end < len(data):
        walk.kinds |= Kind.TRAILING
    return Probe(
        width=walk.size[0],
        height=walk.size[1],
        frames=walk.frames,
        plays=walk.plays,
        kinds=walk.kinds,
        stated=stated(walk.icc),
        ended=walk.ended,
        cut_frame=walk.frames if walk.in_image else 0,
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
