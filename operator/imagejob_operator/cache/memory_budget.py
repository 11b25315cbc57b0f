"""The memory budget of each namespace in the cache, and the objects that exceed it.

A namespace may have any number of objects; the cache stores a bounded amount of them, so that no
namespace uses the memory that others need. Objects beyond that wait until others are removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import TypeVar, get_args

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.kube.object_store import ObjectStore
from imagejob_operator.kube.reader import Unreadable

IMAGE_JOB = 10 * 1024
"""Bytes of memory for an ImageJob, with its status and what is stored about it elsewhere: 10,000
waiting ones take 107 MiB. A spec doesn't change, and statuses are ours."""

OBJECT, TIMES = 1024, 2.5
"""Bytes of memory for any object, and for each byte of its JSON (1.0 to 2.4, measured)."""

ENOUGH = 0.9
"""Omitted objects are listed again once no more than this share is used, not after each removal."""

Counted = ImageJob | ImageProfile | ImageStore
"""Objects that tenants write in any number, also where they can't be read.

There is one ImageQuota per namespace; worker Jobs and pods, which are never omitted, are limited by
the platform.
"""

KINDS = tuple(kind.__name__ for kind in get_args(Counted))


class LeftOut(msgspec.Struct, frozen=True):
    """An object that exceeds the budget."""

    kind: str
    namespace: str
    name: str
    uid: str


class Account(msgspec.Struct):
    """The use of one namespace. `sizes` are by UID, of objects that can't be read by kind and name;
    `left_out` has the latest omitted object of each kind; of those in `unsure`, which are being
    listed, none was found again yet."""

    taken: int = 0
    sizes: dict[str, int] = {}
    left_out: dict[str, LeftOut] = {}
    unsure: set[str] = set()


def size(thing: Counted | Unreadable) -> int:
    """Estimate the object's bytes of memory."""
    estimated = OBJECT + int(TIMES * len(msgspec.json.encode(thing)))
    return max(IMAGE_JOB, estimated) if isinstance(thing, ImageJob) else estimated


class MemoryBudget:
    """`limit` is the maximum of bytes per namespace; None for no limit."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._accounts: defaultdict[str, Account] = defaultdict(Account)

    @property
    def limit(self) -> int | None:
        """The maximum of bytes per namespace; None for no limit."""
        return self._limit

    @property
    def taken(self) -> int:
        """The bytes of all namespaces."""
        return sum(account.taken for account in self._accounts.values())

    def take(self, thing: Counted) -> bool:
        """Return whether the object fits; otherwise record it as omitted.

        An ImageJob that is stored stays stored.
        """
        meta = thing.metadata
        if isinstance(thing, ImageJob) and self._has(meta.namespace, meta.uid):
            return True
        kind = type(thing).__name__
        return self._take(LeftOut(kind, meta.namespace, meta.name, meta.uid), meta.uid, size(thing))

    def take_unreadable(self, thing: Unreadable) -> bool:
        """Return whether the object that can't be read fits; otherwise record it as omitted.

        An ImageJob stays stored in the last state that could be read, whose estimate covers this.
        """
        if thing.kind not in KINDS or self._has(thing.namespace, thing.uid):
            return True
        found = LeftOut(thing.kind, thing.namespace, thing.name, thing.uid)
        return self._take(found, _place(thing), size(thing))

    def _has(self, namespace: str, at: str) -> bool:
        account = self._accounts.get(namespace)
        return account is not None and at in account.sizes

    def _take(self, thing: LeftOut, at: str, needed: int) -> bool:
        if self._limit is None:
            return True
        account = self._accounts[thing.namespace]
        taken = account.taken - account.sizes.get(at, 0) + needed
        if taken > self._limit:
            account.left_out[thing.kind] = thing
            account.unsure.discard(thing.kind)
            return False
        account.sizes[at], account.taken = needed, taken
        return True

    def free(self, thing: Counted) -> None:
        """Subtract an object that is no longer stored."""
        self._free(thing.metadata.namespace, thing.metadata.uid)

    def free_unreadable(self, thing: Unreadable) -> None:
        """Subtract an object that can be read now, or is gone."""
        self._free(thing.namespace, _place(thing))

    def _free(self, namespace: str, at: str) -> None:
        account = self._accounts.get(namespace)
        if account:
            account.taken -= account.sizes.pop(at, 0)
            self._forget_if_empty(namespace)

    def begin_list(self, kind: str, namespace: str = "") -> None:
        """Begin to list a kind, of one namespace or of all.

        What was omitted before still is until the list has ended: meanwhile others are decided.
        """
        for each in self._listed(namespace):
            account = self._accounts[each]
            account.unsure |= account.left_out.keys() & {kind}

    def end_list(self, kind: str, namespace: str = "") -> None:
        """Forget what was omitted before a list, and not in it."""
        for each in self._listed(namespace):
            account = self._accounts[each]
            if kind in account.unsure:
                account.unsure.discard(kind)
                account.left_out.pop(kind, None)
                self._forget_if_empty(each)

    def _listed(self, namespace: str) -> list[str]:
        """Return the namespaces with an account: that one, or all."""
        names = [namespace] if namespace else self._accounts
        return [each for each in names if each in self._accounts]

    def left_out(self, namespace: str) -> LeftOut | None:
        """Return an omitted object of the namespace, if any."""
        account = self._accounts.get(namespace)
        return next(iter(account.left_out.values()), None) if account else None

    def full(self) -> list[str]:
        """Return the namespaces with omitted objects."""
        return [name for name, account in self._accounts.items() if account.left_out]

    def has_room_again(self, namespace: str) -> list[str]:
        """Return the kinds to list again, as enough memory was freed."""
        account = self._accounts.get(namespace)
        if not account or self._limit is None or account.taken > ENOUGH * self._limit:
            return []
        return list(account.left_out)

    def hides(self, namespace: str) -> bool:
        """Whether a missing ImageProfile or ImageStore may exist, but be omitted."""
        account = self._accounts.get(namespace)
        return bool(account and account.left_out.keys() - {ImageJob.__name__})

    def hides_image_jobs(self, namespace: str) -> bool:
        """Whether a missing ImageJob may exist, but be omitted."""
        account = self._accounts.get(namespace)
        return bool(account and ImageJob.__name__ in account.left_out)

    def _forget_if_empty(self, namespace: str) -> None:
        account = self._accounts[namespace]
        if not account.sizes and not account.left_out:
            del self._accounts[namespace]


def _place(thing: Unreadable) -> str:
    """Return the place of its size: it may have no UID, and no UID has a slash."""
    return f"{thing.resource}/{thing.name}"


K = TypeVar("K", bound=Hashable)
C = TypeVar("C", bound=Counted)


class BudgetedStore(ObjectStore[K, C]):
    """An object store for tenants' objects, limited by the budget."""

    def __init__(self, key: Callable[[C], K], budget: MemoryBudget) -> None:
        super().__init__(key)
        self._room = budget

    def put(self, thing: C) -> bool:
        """Store the object; False also if it exceeds the budget.

        One that has outgrown it is dropped.
        """
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
