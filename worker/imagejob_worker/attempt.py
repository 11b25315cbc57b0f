"""One item, from its source to its entry in the report."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from imagejob_worker.contract import report
from imagejob_worker.contract.facts import CONTENT_TYPES, EXTENSIONS, WALL_NOTES
from imagejob_worker.contract.failures import ItemFailure, NeedsMemory
from imagejob_worker.image.steps.identify import HEAD_BYTES, sniff
from imagejob_worker.sandbox import cgroup
from imagejob_worker.sandbox.boundary import ChildFailedError
from imagejob_worker.sandbox.ipc import Request
from imagejob_worker.sandbox.pool import SlotLostError
from imagejob_worker.sandbox.scratch import Folder
from imagejob_worker.storage import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import SourceFacts
    from imagejob_worker.contract.order import Item, Order, Source
    from imagejob_worker.sandbox.boundary import Facts, Success
    from imagejob_worker.sandbox.pool import Slot
    from imagejob_worker.sandbox.scratch import OutputFile
    from imagejob_worker.storage import Stores

    # Called when an item's source has been read, before anything parses it, from any thread, with
    # the item's index in the order.
    OnRead = Callable[[int, report.Read], None]


def clock() -> float:
    """Return the seconds since the node started, including those for which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Attempt:
    """One item on its way through the worker."""

    def __init__(
        self,
        order: Order,
        index: int,
        stores: Stores,
        scratch: str,
        on_read: OnRead,
        given_up_at: float,
    ) -> None:
        """Begin now. Nothing is stored after `given_up_at`, in seconds of `clock`."""
        self._order = order
        self._index = index
        self._item: Item = order.items[index]
        self._stores = stores
        self._scratch = scratch
        self._on_read = on_read
        self._given_up_at = given_up_at
        self._started = time.monotonic()
        # For fetching and processing; outputs that were made in time may be stored later.
        self._deadline = self._started + self._item.timeout_seconds
        self._source: report.Source | None = None

    def run(self, slot: Slot) -> report.Entry:
        """Fetch, process in this slot, store, and return the entry. Raises SlotLostError."""
        try:
            return self._done(slot)
        except NeedsMemory as needs:
            return report.Needs(self._complete_source(needs.source), needs.memory)
        except ItemFailure as failure:
            if isinstance(failure, ChildFailedError) and failure.facts:
                self._complete_source(failure.facts)
            return self._failed(failure)
        except SlotLostError:
            raise
        except Exception as error:  # noqa: BLE001 (a fault in here must not end the other items)
            traceback.print_exc()
            return self._failed(ItemFailure("Internal", f"{type(error).__name__}: {error}"))

    def _done(self, slot: Slot) -> report.Done:
        slot.wall.check()
        self._check_destination()
        with Folder(self._scratch, str(self._index)) as folder:
            self._fetch(folder)
            success = slot.run(self._request(folder))
            source = self._complete_source(success.source)
            self._check_outputs(success)
            # All outputs are made and checked before the first is stored: a failure up to here
            # leaves nothing behind.
            self._check_keeps_source(success)
            files = [folder.output(made.file) for made in success.outputs]
            self._store(success, files)
        outputs = tuple(
            report.output(made.format, made.width, made.height, file.size, file.sha256)
            for made, file in zip(success.outputs, files, strict=True)
        )
        notes = success.notes & ~WALL_NOTES | slot.wall.note  # a child knows nothing of its wall
        return report.Done(source, self._milliseconds(), success.removed, notes, outputs)

    def _check_destination(self) -> None:
        """Reject keys that can't be written, before any work is done."""
        for output in self._item.outputs:
            keys.check(self._key(output.name, "avif"), "write")

    def _fetch(self, folder: Folder) -> None:
        source = self._item.source
        store = self._stores[source.store]
        limits = self._item.limits
        fetched = store.fetch(
            source.key,
            folder.new_source(),
            limits.max_bytes,
            self._deadline,
            limits.min_bytes_per_second,
        )
        self._source = report.source(fetched.size, fetched.sha256)
        _check_digest(fetched.sha256, source)
        # Before processing: however this worker ends, the report says what it worked on.
        self._on_read(self._index, report.Read(self._source))

    def _request(self, folder: Folder) -> Request:
        ordered, parallelism = self._order.child_memory_bytes, self._order.parallelism
        return Request(
            self._index,
            folder.path,
            sniff(folder.head(HEAD_BYTES)),
            max(0, self._deadline - time.monotonic()),
            cgroup.memory_of_a_child(ordered, parallelism, cgroup.memory_limit()),
            # An encoder holds in memory what it writes, so this is no tighter.
            file_size=ordered,
        )

    def _complete_source(self, facts: Facts | SourceFacts) -> report.Source:
        """Add what the child found out about the source to its length and digest."""
        known = self._source or report.source(0, b"")
        self._source = report.source(
            known.bytes,
            known.sha256,
            facts.format,
            facts.width,
            facts.height,
            facts.frames,
        )
        return self._source

    def _check_outputs(self, success: Success) -> None:
        """Check that the child made the outputs that were asked for. Raises ItemFailure."""
        wanted = self._item.outputs
        if len(success.outputs) != len(wanted) or any(
            made.name != output.name or output.format not in (made.format, "auto")
            for made, output in zip(success.outputs, wanted, strict=True)
        ):
            raise ItemFailure(
                "Internal", "processing returned other outputs than the order asks for"
            )

    def _check_keeps_source(self, success: Success) -> None:
        """Reject an output that would overwrite the item's own source. Raises ItemFailure.

        Two stores of different names may be one bucket. The check comes only now, for it needs the
        format that `auto` has chosen; the operator checks the specs before a worker starts.
        """
        item = self._item
        source = self._stores[item.source.store].identity(item.source.key)
        destination = self._stores[item.destination.store]
        for made in success.outputs:
            key = self._key(made.name, EXTENSIONS[made.format])
            if source is not None and destination.identity(key) == source:
                words = f"output {made.name} would be stored over its own source, {item.source.key}"
                raise ItemFailure("InvalidSpec", words)

    def _store(self, success: Success, files: list[OutputFile]) -> None:
        store = self._stores[self._item.destination.store]
        least = self._item.limits.min_bytes_per_second
        for made, file, output in zip(success.outputs, files, self._item.outputs, strict=True):
            key = self._key(made.name, EXTENSIONS[made.format])
            content_type = CONTENT_TYPES[made.format]
            if clock() >= self._given_up_at:
                # The node was away for so long that another worker may have stored this output,
                # perhaps made of another source.
                raise ItemFailure("TimedOut", f"the worker's time was over before {key} was stored")
            store.put(key, file.file, content_type, output.cache_control, least)

    def _key(self, name: str, extension: str) -> str:
        return f"{self._item.destination.prefix}/{name}.{extension}"

    def _failed(self, failure: ItemFailure) -> report.Failed:
        return report.failed(failure.reason, failure.message, self._milliseconds(), self._source)

    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _check_digest(sha256: bytes, source: Source) -> None:
    """Reject a source that isn't the one that the order names. Raises ItemFailure."""
    if source.sha256 and sha256 != bytes.fromhex(source.sha256):
        raise ItemFailure("ChecksumMismatch", f"the source's SHA-256 is {sha256.hex()}")
    if source.pinned_sha256 and sha256 != bytes.fromhex(source.pinned_sha256):
        # What matters comes first: a full report may cut messages to 58 characters.
        changed = "the source has changed since an earlier attempt read it"
        words = f"{changed} (its SHA-256 is now {sha256.hex()})"
        raise ItemFailure("SourceChanged", words)
