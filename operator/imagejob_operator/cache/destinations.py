"""Destinations with their writers: no two workers write to the same place at once.

A place is identified by what it is (see contract/place.py), so that two ImageStores of one bucket
don't lead two workers there; and also by the store's name, while the store is unknown. Places of
different namespaces are different: a tenant that shares a bucket with another namespace must not be
able to block it by claiming to write there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TypeVar

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.contract.order import OrderDestination, OrderItem, OrderStore
from imagejob_operator.contract.place import (
    DestinationKey,
    destination_key,
    destination_key_in_order,
)

from .destination import destination_of

P = TypeVar("P")
V = TypeVar("V")

Spot = tuple[str, DestinationKey]
"""A namespace, and a place by one of its readings."""


class Destinations:
    """By spot: the workers that write there, the ImageJobs that want to, and the reservations.

    A spot is reserved when a worker is planned, and released once the worker is known to exist.
    """

    def __init__(self) -> None:
        self._writers: defaultdict[Spot, set[tuple[str, str]]] = defaultdict(set)
        self._wanted: defaultdict[Spot, set[str]] = defaultdict(set)
        self._assumed: dict[Spot, tuple[str, str]] = {}
        self._assumed_by: dict[str, tuple[Spot, ...]] = {}
        self._spots: dict[str, tuple[Spot, ...]] = {}

    def writes(self, worker: tuple[str, str], item: OrderItem, store: OrderStore | None) -> None:
        """Record that the worker (namespace, name) writes the item to the store."""
        for spot in spots_in_order(worker[0], item, store):
            self._writers[spot].add(worker)

    def writes_no_more(
        self, worker: tuple[str, str], item: OrderItem, store: OrderStore | None
    ) -> None:
        """Record that the worker no longer exists."""
        for spot in spots_in_order(worker[0], item, store):
            discard(self._writers, spot, worker)

    def writers(self, job: ImageJob) -> Collection[tuple[str, str]]:
        """Return the workers that write to the ImageJob's destination."""
        return _all_at(self._writers, self.spots_of(job))

    def want(self, job: ImageJob, store: ImageStore | None) -> None:
        """Record the destination of an unfinished ImageJob, for a new one or a changed store."""
        uid, spots = job.metadata.uid, spots_of(job, store)
        if self._spots.get(uid) == spots:
            return
        self._leave(uid)
        self._spots[uid] = spots
        for spot in spots:
            self._wanted[spot].add(uid)

    def want_no_more(self, job: ImageJob) -> None:
        """Remove an ImageJob that has finished or was deleted."""
        self._leave(job.metadata.uid)

    def wanted_at(self, spots: Iterable[Spot]) -> Collection[str]:
        """Return the UIDs of unfinished ImageJobs with any of these destinations."""
        return _all_at(self._wanted, spots)

    def assume(self, job: ImageJob, worker: str) -> None:
        """Reserve the destination for a worker that is about to be created."""
        uid = job.metadata.uid
        self.forget(job)  # its store may have changed since an earlier reservation
        self._assumed_by[uid] = self.spots_of(job)
        for spot in self._assumed_by[uid]:
            self._assumed[spot] = (uid, worker)

    def forget(self, job: ImageJob) -> Collection[str]:
        """Release the reservation; return the UIDs of ImageJobs that may continue."""
        uid = job.metadata.uid
        mine = [
            at for at in self._assumed_by.pop(uid, ()) if self._assumed.get(at, ("",))[0] == uid
        ]
        for spot in mine:
            del self._assumed[spot]
        return _all_at(self._wanted, mine)

    def assumed_by_other(self, job: ImageJob) -> str | None:
        """Return the name of a worker that is about to be created for another ImageJob."""
        assumed = (self._assumed[spot] for spot in self.spots_of(job) if spot in self._assumed)
        return next((worker for uid, worker in assumed if uid != job.metadata.uid), None)

    def spots_of(self, job: ImageJob) -> tuple[Spot, ...]:
        """Return where the ImageJob wants to write, as far as is known."""
        return self._spots.get(job.metadata.uid) or spots_of(job, None)

    def _leave(self, uid: str) -> None:
        for spot in self._spots.pop(uid, ()):
            discard(self._wanted, spot, uid)


def discard(index: defaultdict[P, set[V]], at: P, value: V) -> None:
    """Remove a value from an index, and an empty entry with it."""
    index[at].discard(value)
    if not index[at]:
        del index[at]


def spots_of(job: ImageJob, store: ImageStore | None) -> tuple[Spot, ...]:
    """Return where the ImageJob wants to write; `store` is its destination's, if known."""
    destination = destination_of(job)
    place = destination_key(store, destination.prefix) if store else None
    return spots(job.metadata.namespace, destination, place)


def spots_in_order(namespace: str, item: OrderItem, store: OrderStore | None) -> tuple[Spot, ...]:
    """Return where an item of an order writes; `store` is its destination's in that order."""
    place = destination_key_in_order(store, item.destination.prefix, namespace) if store else None
    return spots(namespace, item.destination, place)


def spots(
    namespace: str, wanted: OrderDestination, place: DestinationKey | None
) -> tuple[Spot, ...]:
    """Return the spots of a destination: by the store's name, and by each reading of `place`, if
    known."""
    named = DestinationKey(f"store/{wanted.store}", wanted.prefix)
    return tuple((namespace, each) for each in (named, *(place.readings() if place else ())))


def _all_at(index: defaultdict[Spot, set[V]], spots: Iterable[Spot]) -> Collection[V]:
    return {value for spot in spots for value in index.get(spot, ())}
