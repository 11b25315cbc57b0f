"""Processes that do what may crash, hang or eat memory, so that the worker doesn't.

A *lane* is a process that runs one item at a time, each in a child of its own. Lanes are forked
while the worker is small and has neither threads, sockets nor credentials, and load the image
libraries; a child then costs one more fork, and inherits nothing worth stealing.
With one item there is nothing to load twice, and the lane is the child.
This module is the worker's end; `lane` is the other one.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import msgspec

from imagejob_worker.sandbox import boundary as answer
from imagejob_worker.sandbox import fork_server as lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from imagejob_worker.sandbox.boundary import Product
    from imagejob_worker.sandbox.fork_server import Prepare, Request


class LaneLostError(Exception):
    """A lane ended by itself: a fault of the worker, and of no item."""


class Lane:
    """One place for an item to run in. For one thread at a time, but for `close`."""

    def __init__(self) -> None:
        self.theirs, self._ours = lane.pipes()

    def run(self, request: Request) -> Product:
        """Process one item. Raises ItemFailure, or LaneLostError."""
        try:
            lane.send(self._ours.write, msgspec.msgpack.encode(request))
            ended = lane.receive(self._ours.read, lane.ENDED)
        except (OSError, EOFError) as error:
            raise LaneLostError("the process that runs items ended") from error
        return answer.take(ended, request.memory)

    def forked(self) -> None:
        """Let go of the ends that are the lane's."""
        os.close(self.theirs.read)
        os.close(self.theirs.write)

    def close(self) -> None:
        """Have the lane kill its child, and end. From any thread, once."""
        os.close(self._ours.write)

    def let_go(self) -> None:
        """After `close`, once no thread runs an item in it."""
        os.close(self._ours.read)


class OnlyLane(Lane):
    """The lane of an order of one item: the process behind it is the item's child itself."""

    child: int

    def __init__(self) -> None:
        super().__init__()
        self.worker, self._wanted = os.pipe()

    def run(self, request: Request) -> Product:
        """Process the item. Raises ItemFailure, or LaneLostError."""
        try:
            started_with = lane.receive(self._ours.read, lane.KIBIBYTES)
            lane.send(self._ours.write, msgspec.msgpack.encode(request))
        except (OSError, EOFError) as error:
            raise LaneLostError("the process that runs the item ended") from error
        ended = lane.await_end(self.child, self._ours.read, request.seconds, started_with)
        return answer.take(ended, request.memory)

    def forked(self) -> None:
        """Let go of the ends that are the child's."""
        super().forked()
        os.close(self.worker)

    def close(self) -> None:
        """Have the child end. From any thread, once."""
        super().close()
        os.close(self._wanted)


class Lanes:
    """Lanes for so many items, at most `most`. Start them before anything starts a thread."""

    def __init__(self, items: int, most: int, prepare: Prepare) -> None:
        only = OnlyLane() if items == 1 else None
        self._lanes = [only] if only else [Lane() for _ in range(min(items, most))]
        self._closed = False
        gc.freeze()  # what is shared stays shared: no collection writes to these objects any more
        self._first = lane.fork()
        if self._first == 0 and only:
            lane.perform(only.theirs, only.worker, prepare)
        if self._first == 0:
            lane.live([each.theirs for each in self._lanes], prepare)
        for each in self._lanes:
            each.forked()
        if only:
            only.child = self._first

    def __iter__(self) -> Iterator[Lane]:
        """Return the lanes, one by one."""
        return iter(self._lanes)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, and let go of what a thread that runs items needs to its end."""
        self.close()
        for each in self._lanes:
            each.let_go()

    def close(self) -> None:
        """End all lanes with their children, and wait for it. From any thread, at any time."""
        closed, self._closed = self._closed, True
        if closed:
            return
        for each in self._lanes:
            each.close()
        with suppress(ChildProcessError):  # an item's only child is reaped with the item
            os.waitpid(self._first, 0)  # it waits for the other lanes, as they for their children
