"""A queue of keys with round-robin between namespaces."""

from __future__ import annotations

import math
from typing import NamedTuple

from imagejob_operator.cache.reconcile_key import ObjectKey


class Waiting(NamedTuple):
    """The namespace of a queued key, and since when it is queued."""

    namespace: str
    since: float


class FairQueue:
    """Keys by namespace: namespaces take turns, and each has its keys in order.

    Times are seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._lines: dict[str, dict[ObjectKey, None]] = {}
        self._waiting: dict[ObjectKey, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._waiting

    @property
    def oldest(self) -> float:
        """Since when the oldest key is queued; infinity if there is none."""
        first = next(iter(self._waiting.values()), None)
        return first.since if first else math.inf

    def put(self, key: ObjectKey, namespace: str, now: float) -> None:
        """Add the key; one that is queued keeps its place."""
        if key not in self._waiting:
            self._waiting[key] = Waiting(namespace, now)
            self._lines.setdefault(namespace, {})[key] = None

    def drop(self, key: ObjectKey) -> None:
        """Remove the key, if it is queued."""
        waited = self._waiting.pop(key, None)
        if waited:
            line = self._lines[waited.namespace]
            del line[key]
            if not line:
                del self._lines[waited.namespace]

    def take(self) -> ObjectKey:
        """Dequeue the next key. Raises StopIteration if there is none."""
        namespace = next(iter(self._lines))
        line = self._lines.pop(namespace)
        key = next(iter(line))
        del line[key], self._waiting[key]
        if line:
            self._lines[namespace] = line  # now last
        return key
