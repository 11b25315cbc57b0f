"""The worker's report, as the operator reads it from a termination message.

docs/work-order.md is the contract. The text comes from a pod in a tenant's namespace: for any text,
decoding either returns these Structs or raises ReportError.
"""

from __future__ import annotations

import base64
from enum import IntFlag
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from imagejob_operator.api import notes
from imagejob_operator.api.imagejob import SourceFormat, WrittenFormat

PREFIX = "ij1:"
MAX_MESSAGE_BYTES = 4096
"""Bytes that Kubernetes keeps of a termination message."""

OUTPUT_FORMATS: dict[int, WrittenFormat] = {1: "jpeg", 2: "png", 3: "webp", 4: "avif"}
SOURCE_FORMATS: dict[int, SourceFormat] = {**OUTPUT_FORMATS, 5: "gif", 6: "tiff"}
EXTENSIONS: dict[WrittenFormat, str] = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}

FormatCode = Annotated[int, Meta(ge=0, le=6)]
OutputFormatCode = Annotated[int, Meta(ge=1, le=4)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
DIGEST_BYTES = 32
Digest = Annotated[bytes, Meta(max_length=DIGEST_BYTES)]
WholeDigest = Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]

WorkerReason = Literal[
    "SourceNotFound",
    "AccessDenied",
    "StorageUnavailable",
    "ChecksumMismatch",
    "SourceChanged",
    "InvalidSpec",
    "UnsupportedFormat",
    "CorruptImage",
    "TooLarge",
    "OutOfMemory",
    "TimedOut",
    "Internal",
]


class Removed(IntFlag):
    """Kinds of metadata that the source had and the outputs have not."""

    EXIF = 1
    GPS = 2
    XMP = 4
    IPTC = 8
    ICC = 16
    COMMENT = 32
    TEXT = 64
    THUMBNAIL = 128
    TRAILING = 256
    OTHER = 512

    def names(self) -> tuple[str, ...]:
        """Return the names in the order of the bits: `("exif", "gps")`."""
        return tuple(str(kind.name).lower() for kind in Removed if kind in self)


NOTES = {
    1: notes.ICC_DROPPED,
    2: notes.FRAMES_UNUSED,
    4: notes.NO_LANDLOCK,
    8: notes.NO_SECCOMP,
    16: notes.COLOURS_IGNORED,
    32: notes.NO_END,
    64: notes.DAMAGED,
}


class SourceFacts(msgspec.Struct, frozen=True, array_like=True):
    """Properties of the source; 0 or empty where the worker didn't get so far."""

    format: FormatCode
    width: Count
    height: Count
    frames: Count
    bytes: Count
    sha256: Digest

    def __post_init__(self) -> None:
        if len(self.sha256) not in (0, DIGEST_BYTES):
            raise ValueError(f"a SHA-256 digest has {DIGEST_BYTES} bytes, not {len(self.sha256)}")


class Made(msgspec.Struct, frozen=True, array_like=True):
    """One output, in the order of the item's outputs."""

    format: OutputFormatCode
    width: Count
    height: Count
    bytes: Count
    sha256: WholeDigest


class Done(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """An item with all outputs in the destination."""

    source: SourceFacts
    millis: Count
    removed: Annotated[int, Meta(ge=0, lt=1024)]
    notes: Annotated[int, Meta(ge=0, lt=65_536)]
    outputs: tuple[Made, ...]


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """An item that failed with a reason."""

    reason: WorkerReason
    message: str
    millis: Count
    source: SourceFacts | None


class Needs(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """An item that was not processed: by its header it takes so much memory, in bytes, and more
    than its process might have."""

    source: SourceFacts
    memory: Annotated[int, Meta(ge=1, le=2**48)]

    def __post_init__(self) -> None:
        _check_digest(self.source)


class Read(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """An item whose source was read completely; the worker had not finished it."""

    source: SourceFacts

    def __post_init__(self) -> None:
        _check_digest(self.source)


def _check_digest(source: SourceFacts) -> None:
    """What a later worker continues with must be the same."""
    if not source.sha256:
        raise ValueError("the source of an unfinished item must have a digest")


Outcome = Done | Failed | Needs
"""How an item has ended in a worker."""

Entry = Outcome | Read | None
Report = tuple[Entry, ...]
"""One entry per item, in the order's order; None where the source was not read."""


class ReportError(ValueError):
    """A termination message that is not a report."""


_decoder = msgspec.msgpack.Decoder(Report)


@lru_cache(maxsize=64)  # decoded for each of its ImageJobs, more than once
def decode(text: str) -> Report:
    """Decode the first line of a termination message. Raises ReportError."""
    line = text.partition("\n")[0]
    if not line.startswith(PREFIX):
        raise ReportError(f"the termination message does not begin with {PREFIX!r}")
    try:
        return _decoder.decode(base64.b85decode(line.removeprefix(PREFIX)))
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise ReportError(str(error)) from error
