"""What every parser returns, and the limits that all of them share."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Kind
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.geometry import turned
from imagejob_worker.image.parsers.statements import Icc

if TYPE_CHECKING:
    from mmap import mmap

    from imagejob_worker.image.geometry import Size
    from imagejob_worker.image.parsers.statements import Statement
    from imagejob_worker.image.parsers.tiff_layout import Layout

    # What is walked: a mapped file, or bytes that one parser found inside another container.
    Data = mmap | bytes

    # (offset, length) in the file, or bytes that stand for what the file lacks.
    Part = tuple[int, int] | bytes

MAX_PARTS = 100_000
"""Segments, chunks, blocks or tags to look at. No honest file of 100 MB has as many, and looking at
so many takes about 0.3 s."""

MAX_ICC_BYTES = 4 * 1024 * 1024
"""Profiles of displays take 0.5 to 60 KiB, of presses 0.5 to 3 MiB."""

PQ_AND_HLG = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 that mean high dynamic range."""


class Disposal(IntEnum):
    """What becomes of a frame before the next is drawn. APNG's numbers."""

    NONE = 0  # it stays
    BACKGROUND = 1  # its rectangle becomes transparent
    PREVIOUS = 2  # its rectangle becomes what it was before


class Patch(msgspec.Struct, frozen=True):
    """One frame of an animation as its file has it: a picture for a part of the canvas.

    `box` is left, top, width and height; only in GIF it may exceed the canvas, or be empty. `parts`
    make a file of this picture alone. `over`: drawn over what is there, else in place of it.
    """

    box: tuple[int, int, int, int]
    parts: tuple[Part, ...]
    milliseconds: int
    disposal: Disposal = Disposal.NONE
    over: bool = True

    @property
    def pixels(self) -> int:
        """How many pixels are decoded for it."""
        return self.box[2] * self.box[3]


class Probe(msgspec.Struct, frozen=True):
    """A source as its container describes it.

    `width` and `height` are in pixels as decoded, before `orientation` (EXIF's 1 to 8) is applied,
    which no decoder does. `frames` follow each other in time, while `pages` are images of a file
    that is no animation. `plays` counts how often an animation is
    played, 0 endlessly. `patches` are its frames where they are composed here, as far as they are
    there; where there are none, the decoder does it. `apart`: the still image is none of the
    frames. `parts` are what a decoder of the still image (of all frames, if there are no patches)
    needs, in order; None: all of the file. `clear` is the colour that stands for transparency, in
    decoded samples. `grey` says that a PNG's samples are, whatever they are decoded to, and
    `layout` how a TIFF's lie. `crop` is the box of the picture in what is decoded, if it isn't all
    of it. `stated` is what is said of the image's colours, the statement that goes first at the
    beginning, and `hdr` is PQ or HLG if it means high dynamic range. `lossless` is asked of PNG and
    WebP only.

    What is missing: `ended` is False if the end marker is, or if a length doesn't fit the file;
    `cut_frame` is the first frame (from 1) that isn't there whole, 0 for none; `scans_missing` says
    that a JPEG ends before the scans that complete its picture, and `bytes_missing` is the share of
    the bytes that the container promises. `wrong_at` is where the first chunk of the still image
    begins whose checksum is wrong, and `pixels` are then the data of all such chunks.

    `deep` says that a PNG's samples have 16 bits, and `held` how many bytes a decoder keeps beside
    the pixels until it has read all: the coefficients of a JPEG that comes in several scans, and
    what a TIFF's tile has beyond the image.
    """

    width: int
    height: int
    orientation: int = 1
    frames: int = 1
    pages: int = 1
    plays: int = 0
    patches: tuple[Patch, ...] = ()
    apart: bool = False
    kinds: Kind = Kind(0)
    stated: tuple[Statement, ...] = ()
    hdr: str | None = None
    grey: bool = False
    lossless: bool = False
    clear: int | tuple[int, int, int] | None = None
    parts: tuple[Part, ...] | None = None
    layout: Layout | None = None
    crop: tuple[int, int, int, int] | None = None
    ended: bool = True
    cut_frame: int = 0
    scans_missing: bool = False
    bytes_missing: float = 0.0
    wrong_at: int = 0
    pixels: tuple[tuple[int, int], ...] = ()
    deep: bool = False
    held: int = 0

    @property
    def moves(self) -> bool:
        """Whether an animated output may show something else than a still one."""
        return self.frames > 1 or self.apart

    @property
    def still_size(self) -> Size:
        """Width and height of the still image as stored; a GIF's may be part of its canvas."""
        if self.patches and not self.apart:
            return self.patches[0].box[2:]
        return self.stored

    @property
    def profile_length(self) -> int:
        """Bytes of the largest ICC profile that is stated."""
        profiles = [each.data for each in self.stated if isinstance(each, Icc)]
        return max((len(data or b"") for data in profiles), default=0)

    @property
    def stored(self) -> Size:
        """Width and height before orientation."""
        return self.width, self.height

    @property
    def displayed(self) -> Size:
        """Width and height after orientation."""
        return turned(self.stored, self.orientation)


def corrupt(what: str) -> ItemFailure:
    """The failure of a file whose structure is broken."""
    return ItemFailure("CorruptImage", what)


def too_many_parts(format_name: str, limit: int = MAX_PARTS) -> ItemFailure:
    """The failure of a file made of more pieces than any honest one."""
    return ItemFailure("TooLarge", f"the {format_name} file has more than {limit:,} parts")
