"""Who writes where, and who wants to: no two workers write to the same place at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TypeVar

from .destination import destination_of
from .model import ImageJob
from .order import OrderDestination, OrderItem

P = TypeVar("P")
V = TypeVar("V")

Place = tuple[str, OrderDestination]
"""Namespace, and a destination in it."""


class Destinations:
    """By place: the workers that write there, the ImageJobs that want to, and the claims.

    A claim is made when a worker is decided on, and released once that is known to exist.
    """

    def __init__(self) -> None:
        self._writers: defaultdict[Place, set[tuple[str, str]]] = defaultdict(set)
        self._wanted: defaultdict[Place, set[str]] = defaultdict(set)
        self._claims: dict[Place, tuple[str, str]] = {}

    def writes(self, worker: tuple[str, str], item: OrderItem) -> None:
        """The worker (namespace, name) was made for the item."""
        self._writers[worker[0], item.destination].add(worker)

    def writes_no_more(self, worker: tuple[str, str], item: OrderItem) -> None:
        """The worker is no more."""
        discard(self._writers, (worker[0], item.destination), worker)

    def writers(self, job: ImageJob) -> Collection[tuple[str, str]]:
        """The workers that were made to write where the ImageJob wants to."""
        return self._writers.get(_place(job), ())

    def want(self, job: ImageJob) -> None:
        """An unfinished ImageJob has come."""
        self._wanted[_place(job)].add(job.metadata.uid)

    def want_no_more(self, job: ImageJob) -> None:
        """It has finished, or gone."""
        discard(self._wanted, _place(job), job.metadata.uid)

    def wanted_at(self, place: Place) -> Collection[str]:
        """The UIDs of the unfinished ImageJobs that want to write there."""
        return self._wanted.get(place, ())

    def claim(self, job: ImageJob, worker: str) -> None:
        """A worker of that name is about to be created for it."""
        self._claims[_place(job)] = (job.metadata.uid, worker)

    def release(self, job: ImageJob) -> Collection[str]:
        """Give up its claim. Gives the UIDs of those who may go on then."""
        claimant, _ = self._claims.get(_place(job), ("", ""))
        if claimant != job.metadata.uid:
            return ()
        del self._claims[_place(job)]
        return self._wanted.get(_place(job), ())

    def claimed_by_other(self, job: ImageJob) -> str | None:
        """The name of the worker that is about to be created for another ImageJob."""
        claimant, worker = self._claims.get(_place(job), (job.metadata.uid, ""))
        return worker if claimant != job.metadata.uid else None


def discard(index: defaultdict[P, set[V]], at: P, value: V) -> None:
    """Take a value out of an index, and an emptied place with it."""
    index[at].discard(value)
    if not index[at]:
        del index[at]


def _place(job: ImageJob) -> Place:
    return job.metadata.namespace, destination_of(job)
