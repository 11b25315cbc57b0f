"""APNG: chunks of a PNG file that make an animation; each frame is a PNG image without a header.

Source: W3C Portable Network Graphics, third edition, 4.9 (sequence numbers) and 11.3.6.
"""

from __future__ import annotations

import zlib
from struct import pack, unpack_from
from typing import TYPE_CHECKING, NamedTuple

from imagejob_worker.image.parsers.probe import Disposal, Patch

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data, Part

CHUNKS = {b"acTL", b"fcTL", b"fdAT"}
COLOURS = {b"PLTE", b"tRNS"}
CRC = bytes(4)  # the decoder doesn't check those of IDAT chunks
END = bytes(4) + b"IEND" + pack(">I", zlib.crc32(b"IEND"))
# Readers take operations of other numbers for 0.
DISPOSALS = {1: Disposal.BACKGROUND, 2: Disposal.PREVIOUS}
OVER = 1
HUNDREDTHS = 100  # of a second, where a delay's denominator is 0


class _Control(NamedTuple):
    """The contents of an fcTL chunk."""

    sequence: int
    width: int
    height: int
    left: int
    top: int
    delay: int
    delay_in: int
    disposal: int
    blend: int


class Frames:
    """What has been found of an animation."""

    def __init__(self, data: Data) -> None:
        self.declared = 0
        self.plays = 0
        self._data = data
        self._apart = False
        self._colours: list[Part] = []
        self._found: list[tuple[_Control, list[Part]]] = []
        self._sequence = 0
        self._spoilt = 0
        self._still_seen = False

    def chunk(self, name: bytes, at: int, length: int) -> None:
        """Record the chunk whose data is at `at`. A late or second acTL says nothing."""
        if name in COLOURS:
            self._colours.append((at - 8, length + 12))
        elif name == b"IDAT":
            self._still_seen = True
            self._apart = not self._found
            if len(self._found) == 1:
                self._found[0][1].append((at, length))
        elif name == b"acTL" and length >= 8 and not self._still_seen and not self.declared:
            self.declared, self.plays = unpack_from(">II", self._data, at)
        elif name == b"fcTL" and length >= 26:
            self._found.append((_Control(*unpack_from(">I4I2HBB", self._data, at)), []))
            self._count(self._found[-1][0].sequence)
        elif name == b"fdAT" and length >= 4 and self._found:
            self._count(*unpack_from(">I", self._data, at))
            self._found[-1][1].append((at + 4, length - 4))

    @property
    def count(self) -> int:
        """How many frames have begun."""
        return len(self._found)

    @property
    def has_apart(self) -> bool:
        """Whether the still image is none of the frames, and there are some."""
        return self._apart and min(self.count, self.declared) > 0

    def spoil(self) -> None:
        """Record that the frame that has begun can't be shown."""
        self._spoilt = self._spoilt or self.count

    def _count(self, sequence: int) -> None:
        if sequence != self._sequence:  # nothing from here on is where it belongs
            self.spoil()
        self._sequence += 1

    def usable(self) -> tuple[tuple[Patch, ...], int]:
        """Return the frames before the first that can't be shown, and its number; 0: all can."""
        patches: list[Patch] = []
        for number, (control, pixels) in enumerate(self._found[: self.declared], 1):
            box = self._box(number, control)
            if number == self._spoilt or box is None or not pixels:
                return tuple(patches), number
            patches.append(self._patch(box, control, pixels))
        return tuple(patches), 0

    def _box(self, number: int, control: _Control) -> tuple[int, int, int, int] | None:
        """Return the frame's place; None if it lies outside the image."""
        width, height = unpack_from(">II", self._data, 16)
        if number == 1 and not self._apart:  # its pixels are those of the still image
            return 0, 0, width, height
        inside = control.left + control.width <= width and control.top + control.height <= height
        if not inside or not control.width or not control.height:
            return None
        return control.left, control.top, control.width, control.height

    def _patch(
        self, box: tuple[int, int, int, int], control: _Control, pixels: list[Part]
    ) -> Patch:
        return Patch(
            box,
            self._alone(box[2:], pixels),
            milliseconds=round(1000 * control.delay / (control.delay_in or HUNDREDTHS)),
            disposal=DISPOSALS.get(control.disposal, Disposal.NONE),
            over=control.blend == OVER,
        )

    def _alone(self, size: tuple[int, int], pixels: list[Part]) -> tuple[Part, ...]:
        """A PNG file of one frame."""
        header = b"IHDR" + pack(">II", *size) + bytes(self._data[24:29])
        length = sum(part[1] for part in pixels if isinstance(part, tuple))
        return (
            bytes(self._data[:8]) + pack(">I", 13) + header + pack(">I", zlib.crc32(header)),
            *self._colours,
            pack(">I", length) + b"IDAT",
            *pixels,
            CRC + END,
        )
