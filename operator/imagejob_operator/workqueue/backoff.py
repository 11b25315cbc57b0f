"""How long a key waits after its action has failed: longer with each failure in a row."""

from __future__ import annotations

import random
from datetime import timedelta

from imagejob_operator.cache.reconcile_key import ReconcileKey

FIRST, LONGEST = timedelta(seconds=2), timedelta(seconds=16)


class KeyBackoff:
    """Counts the failures in a row of each key, as client-go's rate limiter of items does."""

    def __init__(self, dice: random.Random | None = None) -> None:
        self._dice = dice or random.Random()  # noqa: S311 (no secret)
        self._failures: dict[ReconcileKey, int] = {}
        self._told: set[ReconcileKey] = set()

    def failed(self, key: ReconcileKey) -> timedelta:
        """Record a failure, and return how long to wait.

        That is FIRST, doubled with each failure in a row up to LONGEST, less up to a quarter.
        """
        self._failures[key] = count = self._failures.get(key, 0) + 1
        longest: timedelta = min(LONGEST, FIRST * 2 ** min(count - 1, 10))
        return longest * self._dice.uniform(0.75, 1.0)

    def is_new(self, key: ReconcileKey) -> bool:
        """Whether to log its failure: True once for failures in a row."""
        is_new = key not in self._told
        self._told.add(key)
        return is_new

    def forget(self, key: ReconcileKey) -> None:
        """Record a success, or that the key has nothing to do any more."""
        self._failures.pop(key, None)
        self._told.discard(key)
