"""A cluster cache for tests that records which keys a change enqueues."""

from __future__ import annotations

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.memory_budget import MemoryBudget
from imagejob_operator.cache.reconcile_key import ReconcileKey


class RecordingCache(ClusterCache):
    """Keeps each key once, in the order of first occurrence."""

    def __init__(self, budget: MemoryBudget | None = None) -> None:
        self._keys: dict[ReconcileKey, None] = {}
        super().__init__(budget, enqueue=self._note)

    def _note(self, key: ReconcileKey) -> None:
        self._keys[key] = None

    def drain(self) -> list[ReconcileKey]:
        """The keys since the last call."""
        keys = list(self._keys)
        self._keys.clear()
        return keys
