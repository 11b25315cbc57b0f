"""What a child tells of its work, and what its parent believes of that.

A child has handled bytes that a stranger wrote, so its answer is taken by type and within bounds;
lengths and digests of files the parent finds out itself.
"""

from __future__ import annotations

import errno
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from imagejob_worker.contract.failures import ItemFailure, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import Processed, SourceFacts

MOST_BYTES: Final = 64 * 1024  # what a pipe holds: a longer answer blocks its writer

DECODED: Final = b"\xc1"  # comes before the answer; no MessagePack begins so

SourceFormat = Literal["jpeg", "png", "webp", "avif", "gif", "tiff"]
MadeFormat = Literal["jpeg", "png", "webp", "avif"]
Count = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
Side = Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"\A(?!\.)[^/\0]+\Z")]


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """The source as the child found it: sides in pixels, as displayed."""

    format: SourceFormat
    width: Count
    height: Count
    frames: Count


class Made(msgspec.Struct, frozen=True, array_like=True):
    """One output: its file's name in the item's folder, and sides in pixels."""

    name: str
    file: Name
    format: MadeFormat
    width: Side
    height: Side


class Product(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The child made all outputs."""

    source: Facts
    outputs: Annotated[tuple[Made, ...], msgspec.Meta(max_length=16)]
    removed: Annotated[int, msgspec.Meta(ge=0, le=0x3FF)]
    notes: Annotated[int, msgspec.Meta(ge=0, le=0x7F)]


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The child gave up, and says why."""

    reason: Reason
    message: Annotated[str, msgspec.Meta(max_length=4096)]
    source: Facts | None = None


# Made before there are threads, see lane.py.
_answer: msgspec.msgpack.Decoder[Product | Refusal] = msgspec.msgpack.Decoder(Product | Refusal)


class RefusedError(ItemFailure):
    """A refusal, with the source as the child found it if it got so far."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason, refusal.message)
        self.facts = refusal.source


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """How a child ended: its exit code, or minus its signal; and what it had said."""

    status: int
    overtime: bool  # the signal was ours, for the time was up
    said: bytes
    used: int = 0  # bytes of memory at its peak, on top of what it started with


def give(work: Callable[[], Processed], file_size: int) -> bytes:
    """Work, in the child, and put what came of it into words."""
    try:
        return msgspec.msgpack.encode(_product(work()))
    except ItemFailure as failure:
        refusal = _refusal(failure, file_size)
    except MemoryError:
        refusal = Refusal("OutOfMemory", _OUT_OF_MEMORY)
    except OSError as error:
        refusal = _os_refusal(error, file_size)
    except Exception as error:  # noqa: BLE001 (whatever it is, it ends this item and no other)
        refusal = _fault(error)
    return msgspec.msgpack.encode(refusal)


def take(ended: Ended, memory: int) -> Product:
    """Judge how a child that might use `memory` bytes ended, in the parent. Raises ItemFailure."""
    if ended.overtime or ended.status == -signal.SIGXCPU:
        raise ItemFailure("TimedOut", "processing took longer than the time it may take")
    if ended.status == -signal.SIGKILL:
        # Not by us: the kernel does so when the pod's memory is used up.
        raise ItemFailure("OutOfMemory", "the kernel ended the processing for want of memory")
    decoded = ended.said.startswith(DECODED)
    if ended.status < 0:
        raise _crash(_signal_name(-ended.status), ended.used, memory, decoded=decoded)
    try:
        said = ended.said.removeprefix(DECODED)
        answer = _answer.decode(said)
    except msgspec.DecodeError as error:
        raise ItemFailure(
            "Internal", f"processing ended with code {ended.status} and no sensible answer: {error}"
        ) from error
    if isinstance(answer, Refusal):
        raise RefusedError(answer)
    return answer


def _crash(name: str, used: int, memory: int, *, decoded: bool) -> ItemFailure:
    """Tell a damaged image from want of memory, which some encoders (libaom) don't check for.

    Nothing says which it was; a child that had used over half of its memory is taken at that.
    """
    if used > memory // 2:
        sizes = f"{used >> 20} of {memory >> 20} MiB"
        return ItemFailure("OutOfMemory", f"processing crashed ({name}) with {sizes} used")
    if decoded:
        return ItemFailure("Internal", f"processing crashed ({name}) after the image was decoded")
    return ItemFailure("CorruptImage", f"decoding this image crashed ({name})")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


_OUT_OF_MEMORY: Final = "processing needs more memory than it may have"


def _product(processed: Processed) -> Product:
    return Product(
        _facts(processed.source),
        tuple(
            Made(made.name, made.path.rpartition("/")[2], made.format, made.width, made.height)
            for made in processed.outputs
        ),
        int(processed.removed),
        int(processed.notes),
    )


def _refusal(failure: ItemFailure, file_size: int) -> Refusal:
    source = _facts(failure.source) if failure.source else None
    if failure.reason == "Internal" and isinstance(failure.__cause__, OSError):
        refusal = _os_refusal(failure.__cause__, file_size)
        return Refusal(refusal.reason, refusal.message, source)
    return Refusal(failure.reason, failure.message[:4096], source)


def _facts(source: SourceFacts) -> Facts:
    return Facts(source.format, source.width, source.height, source.frames)


def _os_refusal(error: OSError, file_size: int) -> Refusal:
    match error.errno:
        case errno.EFBIG:
            return Refusal("TooLarge", f"an output would have more than {file_size} bytes")
        case errno.ENOMEM:
            return Refusal("OutOfMemory", _OUT_OF_MEMORY)
        case errno.ENOSPC | errno.EDQUOT:
            return Refusal("Internal", "no room in the scratch folder for the outputs")
        case _:
            return _fault(error)


def _fault(error: Exception) -> Refusal:
    with suppress(Exception):  # a log that can't be written must not cost the answer
        traceback.print_exception(error, file=sys.stderr)
    return Refusal("Internal", f"{type(error).__name__}: {error}"[:4096])
