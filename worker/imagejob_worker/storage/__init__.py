"""Where sources come from and outputs go: one Protocol, a kind of store a module."""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from imagejob_worker.contract.order import Store


Doing = Literal["open", "read", "write"]


class Fetched(NamedTuple):
    """What was read: its length, and its SHA-256."""

    size: int
    sha256: bytes


class Storage(Protocol):
    """One store. Keys are used byte for byte, or refused."""

    def fetch(
        self, key: str, to: int, max_bytes: int, deadline: float, least: int | None = None
    ) -> Fetched:
        """Write the object into the open file `to`, and no more than `max_bytes` of it.

        `deadline` is of time.monotonic(). A store that sends fewer than `least` bytes a second,
        over 30 s, is given up. Raises ItemFailure.
        """
        ...

    def put(
        self,
        key: str,
        body: int,
        content_type: str,
        cache_control: str | None,
        least: int | None = None,
    ) -> None:
        """Store the open file `body`, whole or not at all, over what the key may hold.

        `least` is as for `fetch`. Raises ItemFailure.
        """
        ...

    def identity(self, key: str) -> Hashable | None:
        """Return what two names of one object have in common, even in stores of two names.

        None if there is nothing yet that could have two.
        """
        ...

    def close(self) -> None:
        """Let go of what is open: nothing more is read or stored."""
        ...


class Stores:
    """The order's stores, each opened when an item first asks for it. For any thread."""

    def __init__(self, stores: Mapping[str, Store], folder: str) -> None:
        self._stores = stores
        self._folder = folder
        self._open: dict[str, Storage] = {}
        self._lock = allocate_lock()

    def __getitem__(self, name: str) -> Storage:
        """Open a store. Raises ItemFailure if it can't be, as without credentials."""
        with self._lock:
            if name not in self._open:
                self._open[name] = _open(name, self._stores[name], f"{self._folder}/{name}")
            return self._open[name]

    def close(self) -> None:
        """Let go of them, once no item is at work any more."""
        for each in self._open.values():
            each.close()


def _open(name: str, store: Store, folder: str) -> Storage:
    # A worker of volumes never loads what speaks HTTP, nor the other way round.
    if store.s3 is not None:
        with _absent("ssl"):  # by http.client, for nothing: 5 ms, and tls.py imports it in any case
            from imagejob_worker.storage.s3 import S3Storage

        return S3Storage(name, store.s3, folder)
    if store.volume is not None:
        from imagejob_worker.storage.volume import VolumeStorage

        return VolumeStorage(name, folder)
    raise ItemFailure("Internal", f"store {name} is of no kind that this worker knows")


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Import as if a module that isn't loaded weren't installed."""
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
        # Not TooLarge: the platform sizes scratch, and neighbours share it.
        raise ItemFailure("Internal", f"no room in the scratch folder: {error.strerror}") from error


def check_size(size: int, max_bytes: int) -> None:
    """Refuse a source over the limit. Raises ItemFailure."""
    if size > max_bytes:
        raise ItemFailure(
            "TooLarge", f"the source has {size} bytes or more; the limit is {max_bytes}"
        )


def check_time(deadline: float) -> None:
    """Refuse to go on past `deadline`, of time.monotonic(). Raises ItemFailure."""
    if time.monotonic() >= deadline:
        raise ItemFailure("TimedOut", "the time was used up while the source was being read")
