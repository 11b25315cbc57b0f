"""How much of what a namespace has written the operator keeps in memory, and what it leaves out.

A namespace may have as many objects as it likes; what is kept of it has a bound, so that no
namespace's objects take the memory that the others need. What comes beyond it waits until there is
room again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import TypeVar

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.kube.object_store import ObjectStore

IMAGE_JOB = 10 * 1024
"""Bytes of memory for an ImageJob, with the status that we write and what is kept about it
elsewhere: 10,000 that wait take 107 MiB. A spec doesn't change, and the statuses are ours."""

OBJECT, TIMES = 1024, 2.5
"""Bytes of memory for any object, and for each byte of its JSON (1.0 to 2.4, measured)."""

ENOUGH = 0.9
"""Only once no more than that is taken, what was left out is looked for: not for each that ends."""

Counted = ImageJob | ImageProfile | ImageStore
"""What tenants write, and as many as they like. There is one ImageQuota a namespace; and worker
Jobs and pods, which are never left out, are as many as the platform allows."""


class LeftOut(msgspec.Struct, frozen=True):
    """An object that there was no room for."""

    kind: str
    namespace: str
    name: str
    uid: str


class Account(msgspec.Struct):
    """Of one namespace. `left_out` has the latest of each kind."""

    taken: int = 0
    sizes: dict[str, int] = {}
    left_out: dict[str, LeftOut] = {}


def size(thing: Counted) -> int:
    """Bytes of memory that it takes, about."""
    estimated = OBJECT + int(TIMES * len(msgspec.json.encode(thing)))
    return max(IMAGE_JOB, estimated) if isinstance(thing, ImageJob) else estimated


class MemoryBudget:
    """`limit` is how many bytes a namespace may have; None for any."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._accounts: defaultdict[str, Account] = defaultdict(Account)

    @property
    def limit(self) -> int | None:
        """Bytes that a namespace may have; None for any."""
        return self._limit

    @property
    def taken(self) -> int:
        """Bytes, in all namespaces."""
        return sum(account.taken for account in self._accounts.values())

    def take(self, thing: Counted) -> bool:
        """Says whether it is kept from now on; if not, it is noted as left out.

        An ImageJob that is kept stays so.
        """
        if self._limit is None:
            return True
        meta = thing.metadata
        account = self._accounts[meta.namespace]
        known = account.sizes.get(meta.uid)
        if known is not None and isinstance(thing, ImageJob):
            return True
        needed = size(thing)
        taken = account.taken - (known or 0) + needed
        if taken > self._limit:
            kind = type(thing).__name__
            account.left_out[kind] = LeftOut(kind, meta.namespace, meta.name, meta.uid)
            return False
        account.sizes[meta.uid], account.taken = needed, taken
        return True

    def free(self, thing: Counted) -> None:
        """It is kept no more."""
        namespace = thing.metadata.namespace
        account = self._accounts.get(namespace)
        if account:
            account.taken -= account.sizes.pop(thing.metadata.uid, 0)
            self._forget_if_empty(namespace)

    def begin_list(self, kind: str, namespace: str = "") -> None:
        """All of the kind come again: what is left out still will be told."""
        for each in [namespace] if namespace else list(self._accounts):
            account = self._accounts.get(each)
            if account:
                account.left_out.pop(kind, None)
                self._forget_if_empty(each)

    def left_out(self, namespace: str) -> LeftOut | None:
        """One of those, if any."""
        account = self._accounts.get(namespace)
        return next(iter(account.left_out.values()), None) if account else None

    def full(self) -> list[str]:
        """The namespaces of which something is left out."""
        return [name for name, account in self._accounts.items() if account.left_out]

    def has_room_again(self, namespace: str) -> list[str]:
        """The kinds to list again there, as enough has gone."""
        account = self._accounts.get(namespace)
        if not account or self._limit is None or account.taken > ENOUGH * self._limit:
            return []
        return list(account.left_out)

    def hides(self, namespace: str) -> bool:
        """Whether an ImageProfile or ImageStore that is missing there may only be left out."""
        account = self._accounts.get(namespace)
        return bool(account and account.left_out.keys() - {ImageJob.__name__})

    def _forget_if_empty(self, namespace: str) -> None:
        account = self._accounts[namespace]
        if not account.sizes and not account.left_out:
            del self._accounts[namespace]


K = TypeVar("K", bound=Hashable)
C = TypeVar("C", bound=Counted)


class BudgetedStore(ObjectStore[K, C]):
    """Of what tenants write: as much as there is room for."""

    def __init__(self, key: Callable[[C], K], budget: MemoryBudget) -> None:
        super().__init__(key)
        self._room = budget

    def put(self, thing: C) -> bool:
        """Also False where there is no room. What has grown out of it is there no more."""
        if self.is_late(thing):
            return False
        known = self._objects.get(self._key(thing))
        if not self._room.take(thing):
            return known is not None and self.drop(known)
        if known and known.metadata.uid != thing.metadata.uid:
            self._room.free(known)
        return super().put(thing)

    def drop(self, thing: C) -> bool:
        was_there = super().drop(thing)
        if was_there:
            self._room.free(thing)
        return was_there
