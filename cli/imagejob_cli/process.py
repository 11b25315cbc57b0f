"""The worker's pipeline in this process and its children, with folders for stores."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from imagejob_worker import runner
from imagejob_worker.contract import order as worker_orders
from imagejob_worker.contract import report

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from imagejob_operator.contract.order import Order
    from imagejob_worker.contract.report import Entry

TICK_SECONDS = 0.1


class Reported(NamedTuple):
    """An item has ended: a report with the result of this item only."""

    at: int
    report: str


class Broken(NamedTuple):
    """The worker itself failed: what wasn't reported isn't done."""

    why: str


class Workplace:
    """Creates, in an empty folder, the folders that a worker pod has."""

    def __init__(self, root: Path, folders: Mapping[str, Path], *, verbose: bool) -> None:
        self.stores, self.scratch = root / "stores", root / "scratch"
        self._verbose = verbose
        for made in (self.stores, self.scratch):
            made.mkdir()
        for name, folder in folders.items():
            (self.stores / name).symlink_to(folder.resolve())

    def carry_out(self, order: Order) -> Generator[Reported | Broken | None]:
        """Yield each item as it ends, and None every now and then, so that progress can be drawn.

        Closing the generator ends the children, and leaves nothing half-written.
        """
        understood = worker_orders.decode(order.encode())
        events: SimpleQueue[Reported | Broken | None] = SimpleQueue()

        def record(index: int, entry: Entry) -> None:
            entries = [entry if at == index else None for at in range(len(order.items))]
            events.put(Reported(index, report.encode(entries)))

        def work() -> None:
            try:
                runner.finish(understood, pool, str(self.stores), str(self.scratch), record)
            except Exception as error:  # noqa: BLE001 (reported to the thread that reads)
                events.put(Broken(str(error)))
            events.put(None)

        # The pool is forked here, where there is no thread but this one.
        with self._stderr_of_children():
            pool = runner.start(understood)
        # A daemon: a second Ctrl-C must not have to wait for it.
        thread = Thread(target=work, daemon=True)
        with pool:
            try:
                thread.start()
                yield from _until_none(events)
            finally:
                pool.close()
                if thread.ident:
                    thread.join()

    @contextmanager
    def _stderr_of_children(self) -> Iterator[None]:
        """Discard what decoders print, unless --verbose."""
        if self._verbose:
            yield
            return
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _until_none(
    events: SimpleQueue[Reported | Broken | None],
) -> Iterator[Reported | Broken | None]:
    while True:
        message = None
        with suppress(Empty):
            message = events.get(timeout=TICK_SECONDS)
            if message is None:
                return
        yield message
