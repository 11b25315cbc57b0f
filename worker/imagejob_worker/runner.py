"""Run the items of an order, several at a time, and report each as it ends."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from imagejob_worker.attempt import Attempt, clock
from imagejob_worker.sandbox.pool import Pool
from imagejob_worker.sandbox.scratch import OUTPUTS, SOURCE
from imagejob_worker.sandbox.wall import Wall
from imagejob_worker.storage import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.attempt import OnRead
    from imagejob_worker.contract.order import Order
    from imagejob_worker.contract.report import Entry
    from imagejob_worker.sandbox.fork_server import Prepare, Process, Work
    from imagejob_worker.sandbox.ipc import Request
    from imagejob_worker.sandbox.pool import Slot

    # Called when an item ends, from any thread, with its index in the order and its entry.
    OnEntry = Callable[[int, Entry], None]

SPARE: Final = 60.0
"""Seconds that a worker has in addition to the timeouts of its items, as its pod has. Without a
kubelet that ends the pod, the operator gives it up a minute later, and starts another worker."""


def run(
    order: Order, stores: str, scratch: str, on_entry: OnEntry, prepare: Prepare | None = None
) -> None:
    """Run all items of the order.

    `stores` is a folder with one folder for each store, `scratch` an empty one; `prepare` is loaded
    in the place of the pipeline. Forks: call it before the process has threads.
    Raises SlotLostError if the worker itself fails; items without an entry by then aren't done.
    """
    with start(order, prepare) as pool:
        finish(order, pool, stores, scratch, on_entry)


def start(order: Order, prepare: Prepare | None = None) -> Pool:
    """Fork the processes that items will run in."""
    wall = Wall(order.sandbox)
    return Pool(len(order.items), order.parallelism, prepare or (lambda: _pipeline(order)), wall)


def finish(
    order: Order,
    pool: Pool,
    stores: str,
    scratch: str,
    on_entry: OnEntry,
    on_read: OnRead = lambda _index, _read: None,
) -> None:
    """Run all items, in the order's order. Raises SlotLostError."""
    waiting = iter(range(len(order.items)))  # shared by the threads: next() is atomic
    given_up_at = clock() + allowed(order)
    with closing(Stores(order, stores)) as opened:

        def work(slot: Slot) -> None:
            for index in waiting:
                attempt = Attempt(order, index, opened, scratch, on_read, given_up_at)
                on_entry(index, attempt.run(slot))

        first, *others = pool
        if others:
            _in_threads(work, [first, *others])
        else:
            work(first)


def allowed(order: Order) -> float:
    """Return the seconds that a worker has for the order."""
    return sum(item.timeout_seconds for item in order.items) + SPARE


def _pipeline(order: Order) -> Work:
    """Load the image libraries: in a fork server, never in the worker itself."""
    from imagejob_worker.image import loading, pipeline
    from imagejob_worker.image.files import Files

    # What the only item is made of is known once its source is there; mostly it is a JPEG.
    loading.load(order.formats if len(order.items) > 1 else ("jpeg",), order.items)

    def work(request: Request) -> Process:
        item = order.items[request.index]
        if request.format in order.formats:
            loading.load((request.format,), (item,))
        files = Files(f"{request.folder}/{SOURCE}", f"{request.folder}/{OUTPUTS}", item.outputs)
        return lambda on_decoded: pipeline.process(files, item, order.formats, on_decoded)

    return work


def _in_threads(work: Callable[[Slot], None], slots: list[Slot]) -> None:
    """Run `work` for each slot, in a thread of its own. Raises the first error of any."""
    from threading import Thread  # rarely needed, and slow to import

    errors: list[Exception] = []

    def guarded(slot: Slot) -> None:
        try:
            work(slot)
        except Exception as error:  # noqa: BLE001 (raised again in the caller's thread)
            errors.append(error)

    threads = [Thread(target=guarded, args=(slot,), daemon=True) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
