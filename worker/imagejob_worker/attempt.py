"""One item, from its source to its entry in the report."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Final

from imagejob_worker.contract import report
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.sandbox.boundary import RefusedError
from imagejob_worker.sandbox.fork_server import Request
from imagejob_worker.sandbox.pool import LaneLostError
from imagejob_worker.sandbox.scratch import Folder
from imagejob_worker.storage import keys

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Item, Order, Source
    from imagejob_worker.runner import OnRead
    from imagejob_worker.sandbox.boundary import Facts, Product
    from imagejob_worker.sandbox.pool import Lane
    from imagejob_worker.sandbox.scratch import OutputFile
    from imagejob_worker.storage import Stores

EXTENSIONS: Final = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}


class Attempt:
    """One item on its way through the worker."""

    def __init__(
        self, order: Order, index: int, stores: Stores, scratch: str, on_read: OnRead
    ) -> None:
        self._order = order
        self._index = index
        self._item: Item = order.items[index]
        self._stores = stores
        self._scratch = scratch
        self._on_read = on_read
        self._started = time.monotonic()
        # Fetching and processing have this long; what was made in time may still be stored.
        self._deadline = self._started + self._item.timeout_seconds
        self._source: report.Source | None = None

    def entry(self, lane: Lane) -> report.Entry:
        """Do all steps in this lane. What goes wrong becomes the entry, but for LaneLostError."""
        try:
            return self._done(lane)
        except ItemFailure as failure:
            if isinstance(failure, RefusedError) and failure.facts:
                self._learn(failure.facts)
            return self._failed(failure)
        except LaneLostError:
            raise
        except Exception as error:  # noqa: BLE001 (a fault in here must not take the other items)
            traceback.print_exc()
            return self._failed(ItemFailure("Internal", f"{type(error).__name__}: {error}"))

    def _done(self, lane: Lane) -> report.Done:
        self._check_destination()
        with Folder(self._scratch, str(self._index)) as folder:
            self._fetch(folder)
            product = lane.run(self._request(folder))
            source = self._learn(product.source)
            self._check_product(product)
            # All outputs are made and looked at before the first is stored: a failure up to here
            # leaves nothing behind.
            self._check_source_stays(product)
            files = [folder.output(made.file) for made in product.outputs]
            self._store(product, files)
        outputs = tuple(
            report.output(made.format, made.width, made.height, file.size, file.sha256)
            for made, file in zip(product.outputs, files, strict=True)
        )
        return report.Done(source, self._milliseconds(), product.removed, product.notes, outputs)

    def _check_destination(self) -> None:
        """Refuse keys that can't be written before any work goes into them."""
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
        # Before anything is done with it: however this worker ends, what it works on is known.
        self._on_read(self._index, report.Read(self._source))

    def _request(self, folder: Folder) -> Request:
        memory = self._order.child_memory_bytes
        return Request(
            self._index,
            folder.path,
            max(0, self._deadline - time.monotonic()),
            memory,
            # What an encoder writes it holds in memory first, so this is no tighter.
            file_size=memory,
        )

    def _learn(self, facts: Facts) -> report.Source:
        """Add what the child found out to what is known of the source."""
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

    def _check_product(self, product: Product) -> None:
        """Believe no more of a child than that it made what was asked for."""
        wanted = self._item.outputs
        if len(product.outputs) != len(wanted) or any(
            made.name != output.name or output.format not in (made.format, "auto")
            for made, output in zip(product.outputs, wanted, strict=True)
        ):
            raise ItemFailure("Internal", "processing answered with other outputs than asked for")

    def _check_source_stays(self, product: Product) -> None:
        """Refuse to store an output over the item's own source, whatever the stores are called.

        Only now, as it takes the formats that `auto` has come to. The operator refuses what it sees
        in the specs before a worker begins. Raises ItemFailure.
        """
        item = self._item
        source = self._stores[item.source.store].identity(item.source.key)
        destination = self._stores[item.destination.store]
        for made in product.outputs:
            key = self._key(made.name, EXTENSIONS[made.format])
            if source is not None and destination.identity(key) == source:
                words = f"output {made.name} would be stored over its own source, {item.source.key}"
                raise ItemFailure("InvalidSpec", words)

    def _store(self, product: Product, files: list[OutputFile]) -> None:
        store = self._stores[self._item.destination.store]
        least = self._item.limits.min_bytes_per_second
        for made, file, output in zip(product.outputs, files, self._item.outputs, strict=True):
            key = self._key(made.name, EXTENSIONS[made.format])
            content_type = f"image/{made.format}"
            store.put(key, file.file, content_type, output.cache_control, least)

    def _key(self, name: str, extension: str) -> str:
        return f"{self._item.destination.prefix}/{name}.{extension}"

    def _failed(self, failure: ItemFailure) -> report.Failed:
        return report.failed(failure.reason, failure.message, self._milliseconds(), self._source)

    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _check_digest(sha256: bytes, source: Source) -> None:
    """Refuse a source that isn't the one asked for. Raises ItemFailure."""
    if source.sha256 and sha256 != bytes.fromhex(source.sha256):
        raise ItemFailure("ChecksumMismatch", f"the source's SHA-256 is {sha256.hex()}")
    if source.pinned_sha256 and sha256 != bytes.fromhex(source.pinned_sha256):
        # What matters comes first: of a crowded report's messages 58 characters may be left.
        changed = "the source has changed since an earlier attempt read it"
        words = f"{changed} (its SHA-256 is now {sha256.hex()})"
        raise ItemFailure("SourceChanged", words)
