"""What processing finds out about a source and makes of it: from `image` through `sandbox` to the
report."""

from __future__ import annotations

from enum import IntFlag
from typing import Final, Literal

import msgspec

from imagejob_worker.contract.order import SourceFormat

MadeFormat = Literal["jpeg", "png", "webp", "avif"]

EXTENSIONS: Final[dict[MadeFormat, str]] = {
    "jpeg": "jpg",
    "png": "png",
    "webp": "webp",
    "avif": "avif",
}
CONTENT_TYPES: Final[dict[MadeFormat, str]] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
}


class Kind(IntFlag):
    """Kinds of metadata, with the bits that the report gives them (docs/work-order.md)."""

    EXIF = 1
    GPS = 2
    XMP = 4
    IPTC = 8
    ICC = 16
    COMMENT = 32
    TEXT = 64
    THUMBNAIL = 128
    TRAILING = 256  # bytes after the image's end
    OTHER = 512  # maker data of unknown use: application segments, private chunks, boxes and tags


class Note(IntFlag):
    """What users should know about a success, with the bits that the report gives them."""

    ICC_DROPPED = 1  # the source's ICC profile was unusable
    FRAMES_UNUSED = 2  # the source has more frames than the outputs show
    NO_LANDLOCK = 4  # for the platform: the node's kernel lacked it
    NO_SECCOMP = 8  # the same
    COLOURS_IGNORED = 16  # a statement of the source's colours couldn't be used
    NO_END = 32  # the source lacks its end, or states a wrong length, but no pixel that was used
    DAMAGED = 64  # part of the source's pixels are missing or damaged, and the outputs show it


WALL_NOTES: Final = Note.NO_LANDLOCK | Note.NO_SECCOMP


class SourceFacts(msgspec.Struct, frozen=True):
    """A source as its header describes it. Sides in pixels, as displayed (after orientation)."""

    format: SourceFormat
    width: int = 0
    height: int = 0
    frames: int = 0


class Made(msgspec.Struct, frozen=True):
    """One output, encoded into the file `path`. Sides in pixels; `bytes` is the file's length."""

    name: str
    format: MadeFormat
    width: int
    height: int
    bytes: int
    path: str
    content_type: str


class Processed(msgspec.Struct, frozen=True):
    """An item's result. `outputs` are in the item's order; `removed` was found and not kept."""

    source: SourceFacts
    outputs: tuple[Made, ...]
    removed: Kind
    notes: Note
