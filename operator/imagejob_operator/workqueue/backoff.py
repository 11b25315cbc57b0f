"""When to retry a key that has failed: later with each failure in a row."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.cache.reconcile_key import ReconcileKey

DOUBLINGS = 16


class Failing(msgspec.Struct, frozen=True):
    """How often a key has failed in a row, and when it is due again."""

    count: int
    due: datetime


class KeyBackoff:
    """Counts the failures in a row of each key, as client-go's rate limiter of items does.

    The pause after the first is `first`, doubled with each further one up to `longest`, less up to
    a quarter.
    """

    def __init__(
        self, first: timedelta, longest: timedelta, dice: random.Random | None = None
    ) -> None:
        self._first = first
        self._longest = longest
        self._dice = dice or random.Random()  # noqa: S311 (no secret)
        self._failing: dict[ReconcileKey, Failing] = {}

    def failed(self, key: ReconcileKey, now: datetime) -> Failing:
        """Record a failure.

        One within the pause, because an event made the key be tried again, doesn't count.
        """
        known = self._failing.get(key)
        if known and self.is_waiting(key, now):
            return known
        count = known.count if known else 0
        longest = min(self._longest, self._first * 2 ** min(count, DOUBLINGS))
        failing = Failing(count + 1, now + longest * self._dice.uniform(0.75, 1.0))
        self._failing[key] = failing
        return failing

    def is_waiting(self, key: ReconcileKey, now: datetime) -> bool:
        """Whether the key has failed, and its retry is still to come."""
        known = self._failing.get(key)
        return known is not None and now < known.due

    def forget(self, key: ReconcileKey) -> None:
        """Record a success, or that the key has nothing to do any more."""
        self._failing.pop(key, None)
