"""The process behind a lane: takes requests from a pipe, and runs each in a child of its own.

Or, for an order of one item, is that child itself: a fork less, which is 4 of 100 ms of CPU.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, TypeVar

import msgspec

from imagejob_worker.sandbox import boundary as answer
from imagejob_worker.sandbox.boundary import Ended
from imagejob_worker.sandbox.limits import confine

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import Processed

    # What a child does: the item's place in the order, the item's folder, and what to call once
    # the source is decoded.
    Work = Callable[[int, str, Callable[[], None]], Processed]
    # Run once, in the first lane, before any item; loads what the work needs.
    Prepare = Callable[[], Work]

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One item for a lane. Memory, on top of what a child starts with, and file size in bytes."""

    index: int
    folder: str
    seconds: float
    memory: int
    file_size: int


# Made before there are threads: msgspec 0.22 crashes where two are the first to use a Struct.
REQUEST = msgspec.msgpack.Decoder(Request)
ENDED = msgspec.msgpack.Decoder(Ended)
KIBIBYTES = msgspec.msgpack.Decoder(int)


# What a terminal, or who stops a service, sends to all processes of a group.
_TO_END = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Ends(NamedTuple):
    """One side's descriptors of two pipes."""

    read: int
    write: int


def pipes() -> tuple[Ends, Ends]:
    """Make two pipes; return the lane's ends and the worker's."""
    requests, request = os.pipe()
    answers, answer_ = os.pipe()
    return Ends(requests, answer_), Ends(answers, request)


def send(pipe: int, message: bytes) -> None:
    """Write one message."""
    _write(pipe, len(message).to_bytes(4, "big") + message)


def receive(pipe: int, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """Read one message. Raises EOFError if the other side has gone."""
    size = int.from_bytes(_exactly(pipe, 4), "big")
    return decoder.decode(_exactly(pipe, size))


def live(lanes: list[Ends], prepare: Prepare) -> NoReturn:
    """Be the first lane, and fork the others, so that all share what was loaded once."""
    status = 1
    try:
        work = _settle(prepare)
        mine, *others = lanes
        for ends in others:
            if os.fork() == 0:
                mine, others = ends, []
                break
        close_but(*mine)
        _serve(work, mine)
        for _ in others:
            os.wait()
        status = 0
    except BaseException:  # noqa: BLE001 (nothing of the worker's own code may run on in here)
        traceback.print_exc()
    finally:
        os._exit(status)


def perform(ends: Ends, worker: int, prepare: Prepare) -> NoReturn:
    """Be the child of the only item there is, once the request for it comes.

    Says first, as a message, how much memory it starts with, in KiB; then what any child says.
    `worker` is a pipe whose other end the worker holds open while it wants the item.
    """
    try:
        work = _settle(prepare)
        close_but(*ends, worker)
        send(ends.write, msgspec.msgpack.encode(_peak()))
        request = receive(ends.read, REQUEST)
    except EOFError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 (nothing of the worker's own code may run on in here)
        traceback.print_exc()
        os._exit(1)
    # Not by the pipe of requests: the kernel may tell late of the one that has just come.
    _work(work, request, say=ends.write, parent=worker)


def fork() -> int:
    """Fork, into a lane-to-be that no signal to end can reach before it ignores them.

    One that struck earlier would unwind the lane through its parent's code, and clean up there what
    is still in use.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)
    try:
        child = os.fork()
        if child == 0:
            for number in _TO_END:  # they are for the worker, which ends its lanes by their pipes
                signal.signal(number, signal.SIG_IGN)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def _settle(prepare: Prepare) -> Work:
    """Make the worker's fork a process of its own, and load what the work needs."""
    # The worker's may be anything, such as a file that is about to be closed here.
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 (for good)
    work = prepare()
    gc.freeze()
    gc.enable()
    return work


def close_but(*keep: int) -> None:
    """Close all descriptors but the standard ones and these.

    An end of a pipe left open here would keep another process from noticing that this one's
    other side has gone.
    """
    start = 3
    for descriptor in sorted(keep):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _serve(work: Work, ends: Ends) -> None:
    while True:
        try:
            ended = _attempt(work, receive(ends.read, REQUEST), ends.read)
        except EOFError:
            return
        send(ends.write, msgspec.msgpack.encode(ended))


def _attempt(work: Work, request: Request, requests: int) -> Ended:
    """Run one child to its end, ours or the clock's. Raises EOFError if the worker has gone."""
    said, say = os.pipe()
    here, alive = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, request, say, here)
    os.close(say)
    os.close(here)
    try:
        return await_end(child, said, request.seconds, _peak(), requests)
    finally:
        os.close(said)
        os.close(alive)


def await_end(
    child: int, said: int, seconds: float, started_with: int, abandoned: int | None = None
) -> Ended:
    """Wait for a child's end and for no longer than `seconds`; then kill and reap what is left.

    `said` is the pipe that the child speaks into, `started_with` its memory at first in KiB. Raises
    EOFError if the other side of the pipe `abandoned` went first.
    """
    until = time.monotonic() + seconds
    exited = os.pidfd_open(child)
    try:
        why = _wait(exited, abandoned, until)
    finally:
        os.close(exited)
    status, used = _reap(child, started_with)
    if why == "abandoned":
        raise EOFError
    # Without blocking: something that the child had started may still hold the other end.
    os.set_blocking(said, False)
    return Ended(status, why == "overtime", _drained(said), used)


def _wait(
    exited: int, abandoned: int | None, until: float
) -> Literal["exited", "overtime", "abandoned"]:
    """Wait for the child's end, the clock, or the worker's."""
    poll = select.poll()
    poll.register(exited, select.POLLIN)
    if abandoned is not None:
        poll.register(abandoned, 0)  # says only that the other side has gone
    milliseconds = max(0, (until - time.monotonic()) * 1000)
    ready = [descriptor for descriptor, _ in poll.poll(milliseconds)]
    if exited in ready:
        return "exited"
    return "abandoned" if ready else "overtime"


def _reap(child: int, started_with: int) -> tuple[int, int]:
    """Kill what is left of the child and of what it started; return its status and its memory."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        # Stopped so early that it has made no group of its own yet.
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    used = max(0, usage.ru_maxrss - started_with) * 1024
    return os.waitstatus_to_exitcode(status), used


def _peak() -> int:
    """This process's largest resident set so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _drained(pipe: int) -> bytes:
    try:
        return os.read(pipe, answer.MOST_BYTES)
    except BlockingIOError:
        return b""


def _write(pipe: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a single os.write may stop early
        rest = rest[os.write(pipe, rest) :]


def _exactly(pipe: int, size: int) -> bytes:
    whole = b""
    while len(whole) < size:
        part = os.read(pipe, size - len(whole))
        if not part:
            raise EOFError("the other side of the pipe has gone")
        whole += part
    return whole


def _mark(say: int) -> None:
    """Tell, before the answer, that the source is decoded."""
    os.write(say, answer.DECODED)


def _work(work: Work, request: Request, say: int, parent: int) -> NoReturn:
    """Be the child: bound, work, tell, end."""
    try:
        close_but(say, parent)
        confine(request.seconds, request.memory, request.file_size, parent=parent)
        said = answer.give(
            lambda: work(request.index, request.folder, lambda: _mark(say)), request.file_size
        )
        _write(say, said)
        os._exit(0)
    except BaseException:  # noqa: BLE001 (nothing of the lane's own code may run on in here)
        traceback.print_exc()
    finally:
        os._exit(1)
