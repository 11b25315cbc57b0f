"""The trust boundary: a child encodes its result, and the parent judges it.

A child has handled bytes that a stranger wrote, so its result is decoded by type and within
bounds; the parent itself finds out lengths and digests of files.
"""

from __future__ import annotations

import errno
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from imagejob_worker.contract.facts import SourceFacts
from imagejob_worker.contract.failures import ItemFailure, NeedsMemory, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import Processed
    from imagejob_worker.sandbox.ipc import Exit

MAX_RESULT_BYTES: Final = 64 * 1024  # what a pipe holds: a longer result blocks its writer

DECODED: Final = b"\xc1"  # written once the source is decoded; no MessagePack begins so

FORBIDDEN_CALL: Final = (
    "decoding this image crashed (SIGSYS): it made a system call that the sandbox forbids"
)

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


class Success(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The child made all outputs."""

    source: Facts
    outputs: Annotated[tuple[Made, ...], msgspec.Meta(max_length=16)]
    removed: Annotated[int, msgspec.Meta(ge=0, le=0x3FF)]
    notes: Annotated[int, msgspec.Meta(ge=0, le=0x3FF)]


class Failure(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The child failed, and gives the reason."""

    reason: Reason
    message: Annotated[str, msgspec.Meta(max_length=4096)]
    source: Facts | None = None


class Needs(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The child decoded nothing: the source takes so many bytes of memory, and it may not."""

    memory: Annotated[int, msgspec.Meta(ge=1, le=2**48)]
    source: Facts


# Made before there are threads, see ipc.py.
_result: msgspec.msgpack.Decoder[Success | Failure | Needs] = msgspec.msgpack.Decoder(
    Success | Failure | Needs
)


class ChildFailedError(ItemFailure):
    """A failure that the child reported, with what it had found out about the source."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason, failure.message)
        self.facts = failure.source


def encode_result(work: Callable[[], Processed], file_size: int) -> bytes:
    """Work, in the child, and encode the result."""
    try:
        return msgspec.msgpack.encode(_success(work()))
    except NeedsMemory as needs:
        return msgspec.msgpack.encode(Needs(needs.memory, _facts(needs.source)))
    except ItemFailure as failure:
        failed = _failure(failure, file_size)
    except MemoryError:
        failed = Failure("OutOfMemory", _OUT_OF_MEMORY)
    except OSError as error:
        failed = _os_failure(error, file_size)
    except Exception as error:  # noqa: BLE001 (whatever it is, it ends this item and no other)
        failed = _fault(error)
    return msgspec.msgpack.encode(failed)


def judge_result(ended: Exit, memory: int) -> Success:
    """Judge how a child that could use `memory` bytes ended, in the parent.

    Raises ItemFailure or NeedsMemory.
    """
    if ended.timed_out or ended.status == -signal.SIGXCPU:
        raise ItemFailure("TimedOut", "processing exceeded its time limit")
    if ended.status == -signal.SIGKILL:
        # Not by us: the kernel does so when the pod's memory is used up.
        raise ItemFailure("OutOfMemory", "the kernel killed the process: the pod is out of memory")
    if ended.status == -signal.SIGSYS:
        # Whatever it had said by then: no image of ours needs such a call.
        raise ItemFailure("CorruptImage", FORBIDDEN_CALL)
    decoded = ended.output.startswith(DECODED)
    if ended.status < 0:
        raise _crash(_signal_name(-ended.status), ended.memory_used, memory, decoded=decoded)
    try:
        result = _result.decode(ended.output.removeprefix(DECODED))
    except msgspec.DecodeError as error:
        raise ItemFailure(
            "Internal", f"processing ended with code {ended.status} and no valid result: {error}"
        ) from error
    match result:
        case Failure():
            raise ChildFailedError(result)
        case Needs(needed, source):
            facts = SourceFacts(source.format, source.width, source.height, source.frames)
            raise NeedsMemory(needed, facts)
        case Success():
            return result


def _crash(name: str, used: int, memory: int, *, decoded: bool) -> ItemFailure:
    """Tell a damaged image from a lack of memory, which some encoders (libaom) don't check for.

    Nothing proves which it was; a child that used over half of its memory counts as out of memory.
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


def _success(processed: Processed) -> Success:
    return Success(
        _facts(processed.source),
        tuple(
            Made(made.name, made.path.rpartition("/")[2], made.format, made.width, made.height)
            for made in processed.outputs
        ),
        int(processed.removed),
        int(processed.notes),
    )


def _failure(failure: ItemFailure, file_size: int) -> Failure:
    source = _facts(failure.source) if failure.source else None
    if failure.reason == "Internal" and isinstance(failure.__cause__, OSError):
        failed = _os_failure(failure.__cause__, file_size)
        return Failure(failed.reason, failed.message, source)
    return Failure(failure.reason, failure.message[:4096], source)


def _facts(source: SourceFacts) -> Facts:
    return Facts(source.format, source.width, source.height, source.frames)


def _os_failure(error: OSError, file_size: int) -> Failure:
    match error.errno:
        case errno.EFBIG:
            return Failure("TooLarge", f"an output would have more than {file_size} bytes")
        case errno.ENOMEM:
            return Failure("OutOfMemory", _OUT_OF_MEMORY)
        case errno.ENOSPC | errno.EDQUOT:
            return Failure("Internal", "the scratch folder is full")
        case _:
            return _fault(error)


def _fault(error: Exception) -> Failure:
    with suppress(Exception):  # a log that can't be written must not cost the result
        traceback.print_exception(error, file=sys.stderr)
    return Failure("Internal", f"{type(error).__name__}: {error}"[:4096])
