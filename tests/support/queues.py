"""A work queue for tests without an event loop: it records what is due later."""

from __future__ import annotations

from datetime import datetime

from imagejob_operator.cache.reconcile_key import ObjectKey, ReconcileKey
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.workqueue.queue import WorkQueue


class StillQueue(WorkQueue):
    """Time stands still. `later` has the delayed keys, and when they are due."""

    def __init__(self) -> None:
        super().__init__(AdaptiveConcurrencyLimiter())
        self.later: list[tuple[ReconcileKey, datetime]] = []

    def add(self, key: ReconcileKey, *, after: datetime | None = None) -> None:
        if after is None:
            super().add(key)
        else:
            self.later.append((key, after))

    def drain(self) -> list[ObjectKey]:
        """All keys that are due by now, except namespaces."""
        keys = []
        while (key := self.next()) is not None:
            keys.append(key)
        return keys
