"""The pool of slots: processes that do what may crash, hang or use up memory, outside the worker.

Behind each slot is a fork server that runs one item at a time, each in a child of its own. Fork
servers start while the worker is small and has neither threads, sockets nor credentials, and load
the image libraries; a child then costs one more fork, and inherits nothing worth stealing.
An order of one item has nothing to load twice: its slot's process is the item's child.
This module is the worker's end; `fork_server` is the other one.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from imagejob_worker.sandbox import boundary, fork_server, ipc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from imagejob_worker.sandbox.boundary import Success
    from imagejob_worker.sandbox.fork_server import Prepare
    from imagejob_worker.sandbox.ipc import Request
    from imagejob_worker.sandbox.wall import Wall


class SlotLostError(Exception):
    """The process behind a slot ended by itself: a fault of the worker, and of no item."""


class Slot:
    """A place for one item at a time. For one thread at a time, except `close`."""

    def __init__(self, wall: Wall) -> None:
        self.wall = wall  # that its children are behind
        self.theirs, self._ours = ipc.pipes()

    def run(self, request: Request) -> Success:
        """Process one item. Raises ItemFailure, or SlotLostError."""
        try:
            ipc.send(self._ours.write, request)
            ended = ipc.receive(self._ours.read, ipc.EXIT)
        except (OSError, EOFError) as error:
            raise SlotLostError("the process that runs items has ended") from error
        return boundary.judge_result(ended, request.memory)

    def close_theirs(self) -> None:
        """Close the ends that the forked process has."""
        os.close(self.theirs.read)
        os.close(self.theirs.write)

    def close(self) -> None:
        """Have the process kill its child and end. From any thread, once."""
        os.close(self._ours.write)

    def release(self) -> None:
        """Close what is left, after `close`, once no thread runs an item in the slot."""
        os.close(self._ours.read)


class SingleItemSlot(Slot):
    """The slot of an order of one item: its process is the item's child itself."""

    child: int

    def __init__(self, wall: Wall) -> None:
        super().__init__(wall)
        self.worker, self._wanted = os.pipe()

    def run(self, request: Request) -> Success:
        """Process the item. Raises ItemFailure, or SlotLostError."""
        try:
            started_with = ipc.receive(self._ours.read, ipc.KIBIBYTES)
            ipc.send(self._ours.write, request)
        except (OSError, EOFError) as error:
            raise SlotLostError("the process that runs the item has ended") from error
        ended = fork_server.await_exit(self.child, self._ours.read, request.seconds, started_with)
        return boundary.judge_result(ended, request.memory)

    def close_theirs(self) -> None:
        """Close the ends that the child has."""
        super().close_theirs()
        os.close(self.worker)

    def close(self) -> None:
        """Have the child end. From any thread, once."""
        super().close()
        os.close(self._wanted)


class Pool:
    """Slots for so many items, at most `most`. Start it before anything starts a thread."""

    def __init__(self, items: int, most: int, prepare: Prepare, wall: Wall) -> None:
        self.wall = wall
        single = SingleItemSlot(wall) if items == 1 else None
        self._slots = [single] if single else [Slot(wall) for _ in range(min(items, most))]
        self._closed = False
        gc.freeze()  # what is shared stays shared: no collection writes to these objects any more
        self._first = fork_server.fork()
        if self._first == 0 and single:
            fork_server.run_single_item(single.theirs, single.worker, prepare, wall)
        if self._first == 0:
            fork_server.serve([slot.theirs for slot in self._slots], prepare, wall)
        for slot in self._slots:
            slot.close_theirs()
        if single:
            single.child = self._first

    def __iter__(self) -> Iterator[Slot]:
        """Return the slots, one by one."""
        return iter(self._slots)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, and release what a thread that runs items needs to its end."""
        self.close()
        for slot in self._slots:
            slot.release()

    def close(self) -> None:
        """End all processes of the pool, and wait for their end. From any thread, at any time."""
        closed, self._closed = self._closed, True
        if closed:
            return
        for slot in self._slots:
            slot.close()
        with suppress(ChildProcessError):  # a single item's child is reaped with the item
            # The first fork server waits for the others, as each does for its child.
            os.waitpid(self._first, 0)
