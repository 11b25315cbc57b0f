"""What the worker does with an order: its items, so many at a time, each told of as it ends."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from imagejob_worker.attempt import Attempt
from imagejob_worker.sandbox.pool import Lanes
from imagejob_worker.sandbox.scratch import OUTPUTS, SOURCE
from imagejob_worker.storage import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import Processed
    from imagejob_worker.contract.order import Order
    from imagejob_worker.contract.report import Entry, Read
    from imagejob_worker.sandbox.fork_server import Prepare, Work
    from imagejob_worker.sandbox.pool import Lane

    # Told of each item as it ends, from any thread: its place in the order, and what came of it.
    OnEntry = Callable[[int, Entry], None]
    # Likewise, of each source as soon as it has been read, before anything looks into it.
    OnRead = Callable[[int, Read], None]


def run(
    order: Order, stores: str, scratch: str, on_entry: OnEntry, prepare: Prepare | None = None
) -> None:
    """Do all that the order asks.

    `stores` is a folder with one folder a store, `scratch` an empty one; `prepare` is what the
    processes load instead of the pipeline. Forks: call it before the process has threads.
    Raises LaneLostError if the worker itself fails; what wasn't told of by then isn't done.
    """
    with start(order, prepare) as lanes:
        finish(order, lanes, stores, scratch, on_entry)


def start(order: Order, prepare: Prepare | None = None) -> Lanes:
    """Fork the processes that items will run in."""
    return Lanes(len(order.items), order.parallelism, prepare or (lambda: _pipeline(order)))


def finish(
    order: Order,
    lanes: Lanes,
    stores: str,
    scratch: str,
    on_entry: OnEntry,
    on_read: OnRead = lambda _index, _read: None,
) -> None:
    """Run all items, the order's first first. Raises LaneLostError."""
    waiting = iter(range(len(order.items)))  # shared: one step of it is atomic
    with closing(Stores(order.stores, stores)) as opened:

        def work(lane: Lane) -> None:
            for index in waiting:
                on_entry(index, Attempt(order, index, opened, scratch, on_read).entry(lane))

        first, *others = lanes
        if others:
            _in_threads(work, [first, *others])
        else:
            work(first)


def _pipeline(order: Order) -> Work:
    """Load the image libraries: in a lane, never in the worker itself."""
    from imagejob_worker.image import pipeline

    pipeline.preload(len(order.items))

    def work(index: int, folder: str, decoded: Callable[[], None]) -> Processed:
        item = order.items[index]
        source, outputs = f"{folder}/{SOURCE}", f"{folder}/{OUTPUTS}"
        return pipeline.process(source, item, order.formats, outputs, decoded)

    return work


def _in_threads(work: Callable[[Lane], None], lanes: list[Lane]) -> None:
    """Run `work` for each lane, in a thread of its own. Raises the first error of any."""
    from threading import Thread  # needed by few, and dear at start

    errors: list[Exception] = []

    def guarded(lane: Lane) -> None:
        try:
            work(lane)
        except Exception as error:  # noqa: BLE001 (raised again where the caller sees it)
            errors.append(error)

    threads = [Thread(target=guarded, args=(lane,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
