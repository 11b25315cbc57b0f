"""A local copy of the objects of one kind, consistent although they arrive in any order.

An object may come from a list, from the watch, or as the answer to our own write. The order of
arrival has no meaning; the resource version, which grows with every write to a cluster, has. An
object older than the stored one, or than its deletion, is stale.
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
    """Return the resource version as an integer, which is comparable (KEP-5504)."""
    return int(thing.metadata.resource_version)


def age(thing: HasMetadata) -> tuple[float, str]:
    """Sort key: the newest is last."""
    created = thing.metadata.creation_timestamp
    return created.timestamp() if created else 0.0, thing.metadata.name


class ObjectStore(Generic[K, T]):
    """Objects by key; remembers the UIDs and versions of deleted ones."""

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
        """Whether a newer version or deletion of the object is known."""
        known = self._objects.get(self._key(thing))
        left = self._left.get(thing.metadata.uid, -1)
        return version(thing) <= max(left, version(known) if known else -1)

    def put(self, thing: T) -> bool:
        """Store the object unless it is stale. Return whether it was new."""
        if self.is_late(thing):
            return False
        self._objects[self._key(thing)] = thing
        return True

    def drop(self, thing: T) -> bool:
        """Delete the object, as of its version. Return whether it was stored."""
        uid = thing.metadata.uid
        self._left[uid] = max(version(thing), self._left.get(uid, -1))
        known = self._objects.get(self._key(thing))
        if not known or known.metadata.uid != uid or version(known) > version(thing):
            return False
        del self._objects[self._key(thing)]
        return True

    def knows_newer(self, known: T | None, uid: str, at: int) -> bool:
        """Whether `known`, or the deletion of the object with that UID, is at that version or a
        newer one."""
        return at <= max(self._left.get(uid, -1), version(known) if known else -1)

    def has_left(self, uid: str) -> bool:
        """Whether an object with this UID was dropped."""
        return uid in self._left

    def absent_from(self, uids: Container[str], as_of: int) -> list[T]:
        """Return stored objects that a list at version `as_of`, with these UIDs, doesn't
        contain."""
        return [
            thing
            for thing in self._objects.values()
            if thing.metadata.uid not in uids and version(thing) <= as_of
        ]

    def forget_left(self, before: int) -> None:
        """Forget deletions before that version: no message can be that stale."""
        self._left = {uid: at for uid, at in self._left.items() if at >= before}
