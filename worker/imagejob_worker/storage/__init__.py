"""Stores: where sources are read and outputs written. One Protocol, one module for each kind."""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from imagejob_worker.contract.order import Order


Doing = Literal["open", "read", "write"]


class Fetched(NamedTuple):
    """A source's length and SHA-256."""

    size: int
    sha256: bytes


class Storage(Protocol):
    """One store. Keys are used byte for byte, or rejected."""

    def fetch(
        self, key: str, to: int, max_bytes: int, deadline: float, min_rate: int | None = None
    ) -> Fetched:
        """Copy the object into the open file `to`, at most `max_bytes` of it.

        `deadline` is of time.monotonic(). A store that sends fewer than `min_rate` bytes a second,
        over 30 s, is given up. Raises ItemFailure.
        """
        ...

    def put(
        self,
        key: str,
        body: int,
        content_type: str,
        cache_control: str | None,
        min_rate: int | None = None,
    ) -> None:
        """Store the open file `body`, whole or not at all; replaces an object of this key.

        `min_rate` is as for `fetch`. Raises ItemFailure.
        """
        ...

    def identity(self, key: str) -> Hashable | None:
        """Return a value that is equal for two names of one object, also across stores.

        None if there is no such object yet.
        """
        ...

    def close(self) -> None:
        """Close connections and files: nothing more is read or stored."""
        ...


class Stores:
    """The order's stores, each opened when an item first needs it. For any thread."""

    def __init__(self, order: Order, folder: str) -> None:
        """`folder` has a folder for each store."""
        self._order = order
        self._folder = folder
        self._open: dict[str, Storage] = {}
        self._lock = allocate_lock()

    def __getitem__(self, name: str) -> Storage:
        """Open a store. Raises ItemFailure, as without credentials."""
        with self._lock:
            if name not in self._open:
                self._open[name] = _open(name, self._order, f"{self._folder}/{name}")
            return self._open[name]

    def close(self) -> None:
        """Close all stores, once no item is running."""
        for each in self._open.values():
            each.close()


def _open(name: str, order: Order, folder: str) -> Storage:
    store = order.stores[name]
    # A worker with volumes only never imports HTTP, and one with S3 only never the volumes.
    if store.s3 is not None:
        with _absent(
            "ssl"
        ):  # http.client imports it needlessly: 5 ms; tls.py imports it when needed
            from imagejob_worker.storage.addresses import Addresses
            from imagejob_worker.storage.s3 import S3Storage

        return S3Storage(name, store.s3, folder, Addresses(order.internal_cidrs))
    if store.volume is not None:
        from imagejob_worker.storage.volume import VolumeStorage

        return VolumeStorage(name, folder)
    raise ItemFailure("Internal", f"store {name} is of a kind that this worker doesn't know")


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Import as if a module were not installed, unless it is loaded already."""
    loaded = name in sys.modules
    if not loaded:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not loaded:
            del sys.modules[name]


def write_scratch(file: int, data: bytes) -> None:
    """Write all of `data` into the scratch folder. Raises ItemFailure."""
    rest = memoryview(data)
    try:
        while rest:  # a single os.write may stop early
            rest = rest[os.write(file, rest) :]
    except OSError as error:
        # Not TooLarge: the platform sets the size of scratch, and other items share it.
        raise ItemFailure(
            "Internal", f"can't write to the scratch folder: {error.strerror}"
        ) from error


def check_size(size: int, max_bytes: int) -> None:
    """Reject a source over the limit. Raises ItemFailure."""
    if size > max_bytes:
        raise ItemFailure(
            "TooLarge", f"the source has {size} bytes or more; the limit is {max_bytes}"
        )


def check_time(deadline: float) -> None:
    """Stop after `deadline`, of time.monotonic(). Raises ItemFailure."""
    if time.monotonic() >= deadline:
        raise ItemFailure("TimedOut", "the time ran out while the source was being read")
