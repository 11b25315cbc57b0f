"""Who waits for the same thing, with the namespaces taking turns."""

from __future__ import annotations

import math
from typing import NamedTuple

from imagejob_operator.cache.reconcile_key import Subject


class Waiting(NamedTuple):
    """Of which namespace a subject is, and since when it waits."""

    namespace: str
    since: float


class FairQueue:
    """Subjects by namespace: each namespace in turn, of its own the one that waits longest.

    Times in seconds, of a clock that is never stepped.
    """

    def __init__(self) -> None:
        self._lines: dict[str, dict[Subject, None]] = {}
        self._waiting: dict[Subject, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, subject: Subject) -> bool:
        return subject in self._waiting

    @property
    def oldest(self) -> float:
        """Since when the one waits that has waited longest; infinity if there is none."""
        first = next(iter(self._waiting.values()), None)
        return first.since if first else math.inf

    def put(self, subject: Subject, namespace: str, now: float) -> None:
        """Keeps its place if it had one."""
        if subject not in self._waiting:
            self._waiting[subject] = Waiting(namespace, now)
            self._lines.setdefault(namespace, {})[subject] = None

    def drop(self, subject: Subject) -> None:
        """Nothing if it isn't there."""
        waited = self._waiting.pop(subject, None)
        if waited:
            line = self._lines[waited.namespace]
            del line[subject]
            if not line:
                del self._lines[waited.namespace]

    def take(self) -> Subject:
        """The next. Raises StopIteration if there is none."""
        namespace = next(iter(self._lines))
        line = self._lines.pop(namespace)
        subject = next(iter(line))
        del line[subject], self._waiting[subject]
        if line:
            self._lines[namespace] = line  # last by now
        return subject
