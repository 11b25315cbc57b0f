"""A local copy of the objects of one kind, kept in order although they arrive by several ways.

An object may come from a list, from the watch, or as the answer to our own write, and the order of
arrival says nothing: the resource version does. It grows with every write of a cluster, and an
object of an older one than we have, or than its deletion, is a late message.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterator
from typing import Generic, Protocol, TypeVar

from imagejob_operator.api.meta import ObjectMeta


class HasMetadata(Protocol):
    """Any object of the API."""

    @property
    def metadata(self) -> ObjectMeta: ...


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=HasMetadata)


def version(thing: HasMetadata) -> int:
    """Resource versions are comparable as integers (KEP-5504)."""
    return int(thing.metadata.resource_version)


class ObjectStore(Generic[K, T]):
    """Objects by a key of their own; remembers by UID what has left, and when."""

    def __init__(self, key: Callable[[T], K]) -> None:
        self._key = key
        self._objects: dict[K, T] = {}
        self._left: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[T]:
        return iter(self._objects.values())

    def get(self, key: K) -> T | None:
        return self._objects.get(key)

    def is_late(self, thing: T) -> bool:
        """Whether something newer is known of it."""
        known = self._objects.get(self._key(thing))
        left = self._left.get(thing.metadata.uid, -1)
        return version(thing) <= max(left, version(known) if known else -1)

    def put(self, thing: T) -> bool:
        """Take it in, unless it is a late message. Says whether it was news."""
        if self.is_late(thing):
            return False
        self._objects[self._key(thing)] = thing
        return True

    def drop(self, thing: T) -> bool:
        """It has left, as of its version. Says whether it was there."""
        uid = thing.metadata.uid
        self._left[uid] = max(version(thing), self._left.get(uid, -1))
        known = self._objects.get(self._key(thing))
        if not known or known.metadata.uid != uid or version(known) > version(thing):
            return False
        del self._objects[self._key(thing)]
        return True

    def has_left(self, uid: str) -> bool:
        """Whether an object of this UID was dropped."""
        return uid in self._left

    def absent_from(self, uids: Container[str], as_of: int) -> list[T]:
        """What we hold although a list as of that version, with those UIDs, doesn't."""
        return [
            thing
            for thing in self._objects.values()
            if thing.metadata.uid not in uids and version(thing) <= as_of
        ]

    def forget_left(self, before: int) -> None:
        """Drop the memory of what left before that version: no message can be that late."""
        self._left = {uid: at for uid, at in self._left.items() if at >= before}
