"""Keys that wait for room, with the namespaces taking turns."""

from __future__ import annotations

import math
from typing import NamedTuple

from imagejob_operator.cache.reconcile_key import ObjectKey


class Waiting(NamedTuple):
    """The namespace of a key, and since when the key waits."""

    namespace: str
    since: float


class FairQueue:
    """Keys by namespace: each namespace in turn, of its own the key that waits longest.

    Times in seconds, of a clock that is never stepped.
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
        """Since when the one waits that has waited longest; infinity if there is none."""
        first = next(iter(self._waiting.values()), None)
        return first.since if first else math.inf

    def put(self, key: ObjectKey, namespace: str, now: float) -> None:
        """Keeps its place if it had one."""
        if key not in self._waiting:
            self._waiting[key] = Waiting(namespace, now)
            self._lines.setdefault(namespace, {})[key] = None

    def drop(self, key: ObjectKey) -> None:
        """Nothing if it isn't there."""
        waited = self._waiting.pop(key, None)
        if waited:
            line = self._lines[waited.namespace]
            del line[key]
            if not line:
                del self._lines[waited.namespace]

    def take(self) -> ObjectKey:
        """The next. Raises StopIteration if there is none."""
        namespace = next(iter(self._lines))
        line = self._lines.pop(namespace)
        key = next(iter(line))
        del line[key], self._waiting[key]
        if line:
            self._lines[namespace] = line  # last by now
        return key
