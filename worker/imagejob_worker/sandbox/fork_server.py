"""The fork server: the process behind a slot. It runs each requested item in a child of its own.

For an order of one item it is that child itself: one fork less saves 4 of 100 ms of CPU.
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
from typing import TYPE_CHECKING, Literal, NoReturn

from imagejob_worker.sandbox import boundary, ipc
from imagejob_worker.sandbox.ipc import Exit
from imagejob_worker.sandbox.limits import set_limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import Processed
    from imagejob_worker.sandbox.ipc import Ends, Request
    from imagejob_worker.sandbox.wall import Wall

    # What processes an item, in a child behind its wall. It calls its argument once the source is
    # decoded.
    Process = Callable[[Callable[[], None]], Processed]
    # Called in the child before the wall is up: opens and loads what the item needs.
    Work = Callable[[Request], Process]
    # Called once, in the first fork server, before any item: loads what all items need.
    Prepare = Callable[[], Work]

# What a terminal or a service manager sends to all processes of a group.
_STOP_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def serve(slots: list[Ends], prepare: Prepare, wall: Wall) -> NoReturn:
    """Be the first fork server, and fork the others, so that all share what was loaded once."""
    status = 1
    try:
        work = _start(prepare)
        mine, *others = slots
        for ends in others:
            if os.fork() == 0:
                mine, others = ends, []
                break
        close_all_but(*mine)
        _serve(work, mine, wall)
        for _ in others:
            os.wait()
        status = 0
    except BaseException:  # noqa: BLE001 (nothing of the worker's own code may run on in here)
        traceback.print_exc()
    finally:
        os._exit(status)


def run_single_item(ends: Ends, worker: int, prepare: Prepare, wall: Wall) -> NoReturn:
    """Be the child of the order's only item, once the request for it comes.

    Sends first how much memory it starts with, in KiB; then what any child writes. `worker` is a
    pipe whose other end the worker keeps open while it wants the item.
    """
    try:
        work = _start(prepare)
        close_all_but(*ends, worker)
        ipc.send(ends.write, _peak_memory())
        request = ipc.receive(ends.read, ipc.REQUEST)
    except EOFError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 (nothing of the worker's own code may run on in here)
        traceback.print_exc()
        os._exit(1)
    # Not by the pipe of requests: the kernel may signal late for the one that has just come.
    _run_child(work, request, wall, output=ends.write, parent=worker)


def fork() -> int:
    """Fork; in the child, signals that stop the worker are ignored from its first moment on.

    An earlier signal would run the parent's cleanup code in the child, on resources still in use.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        child = os.fork()
        if child == 0:
            for number in _STOP_SIGNALS:  # the worker handles them, and closes the pipes
                signal.signal(number, signal.SIG_IGN)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def await_exit(
    child: int, output: int, seconds: float, started_with: int, abandoned: int | None = None
) -> Exit:
    """Wait for a child's end, at most `seconds`; then kill and reap what is left of it.

    `output` is the pipe that the child writes into, `started_with` its memory at first in KiB.
    Raises EOFError if the other side of the pipe `abandoned` was closed first.
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
    # Without blocking: a process that the child had started may still hold the other end.
    os.set_blocking(output, False)
    return Exit(status, why == "timed out", _drain(output), used)


def close_all_but(*keep: int) -> None:
    """Close all descriptors but the standard ones and these.

    An end of a pipe left open here would keep another process from noticing that its other side
    is closed.
    """
    start = 3
    for descriptor in sorted(keep):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _start(prepare: Prepare) -> Work:
    """Make the worker's fork a process of its own, and load what the work needs."""
    # The worker's stderr may be anything, such as a file that is about to be closed here.
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 (never closed)
    work = prepare()
    gc.freeze()
    gc.enable()
    return work


def _serve(work: Work, ends: Ends, wall: Wall) -> None:
    """Run one item after the other, until the worker closes the slot."""
    while True:
        try:
            ended = _run_item(work, ipc.receive(ends.read, ipc.REQUEST), ends.read, wall)
        except EOFError:
            return
        ipc.send(ends.write, ended)


def _run_item(work: Work, request: Request, requests: int, wall: Wall) -> Exit:
    """Run one child to its end. Raises EOFError if the worker closes the slot before."""
    output, write = os.pipe()
    here, alive = os.pipe()
    child = os.fork()
    if child == 0:
        _run_child(work, request, wall, write, here)
    os.close(write)
    os.close(here)
    try:
        return await_exit(child, output, request.seconds, _peak_memory(), requests)
    finally:
        os.close(output)
        os.close(alive)


def _run_child(work: Work, request: Request, wall: Wall, output: int, parent: int) -> NoReturn:
    """Be the child: set the limits, open what is needed, put up the wall, work, exit."""
    try:
        close_all_but(output, parent)
        set_limits(request.seconds, request.memory, request.file_size, parent=parent)

        def on_decoded() -> None:
            os.write(output, boundary.DECODED)

        def processed() -> Processed:
            process = work(request)
            wall.confine()
            return process(on_decoded)

        result = boundary.encode_result(processed, request.file_size)
        ipc.write_all(output, result)
        os._exit(0)
    except BaseException:  # noqa: BLE001 (nothing of the fork server's own code may run on in here)
        traceback.print_exc()
    finally:
        os._exit(1)


def _wait(
    exited: int, abandoned: int | None, until: float
) -> Literal["exited", "timed out", "abandoned"]:
    """Wait for the child's exit, for the deadline, or for the worker's closing the slot."""
    poll = select.poll()
    poll.register(exited, select.POLLIN)
    if abandoned is not None:
        poll.register(abandoned, 0)  # reports only that the other side is closed
    milliseconds = max(0, (until - time.monotonic()) * 1000)
    ready = [descriptor for descriptor, _ in poll.poll(milliseconds)]
    if exited in ready:
        return "exited"
    return "abandoned" if ready else "timed out"


def _reap(child: int, started_with: int) -> tuple[int, int]:
    """Kill the child's process group; return the child's status and the memory that it used."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        # Stopped so early that it has made no group of its own yet.
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    used = max(0, usage.ru_maxrss - started_with) * 1024
    return os.waitstatus_to_exitcode(status), used


def _peak_memory() -> int:
    """Return this process's largest resident set so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _drain(pipe: int) -> bytes:
    try:
        return os.read(pipe, boundary.MAX_RESULT_BYTES)
    except BlockingIOError:
        return b""
