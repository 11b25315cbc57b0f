"""When to retry a key that has failed: later with each failure in a row."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.cache.reconcile_key import ReconcileKey
from imagejob_operator.kube.backoff import Backoff


class Failing(msgspec.Struct, frozen=True):
    """How often a key has failed in a row, when it is due again after which pause, and whether it
    has just failed."""

    count: int
    due: datetime
    pause: timedelta
    is_new: bool = True


class KeyBackoff:
    """Counts the failures in a row of each key, as client-go's rate limiter of items does."""

    def __init__(self, dice: random.Random | None = None) -> None:
        self._dice = dice
        self._failing: dict[ReconcileKey, Failing] = {}

    def failed(self, key: ReconcileKey, now: datetime, backoff: Backoff) -> Failing:
        """Record a failure.

        One within the pause, because an event made the key be tried again, doesn't count: it isn't
        new. If more than the pause is left of it, the clock was set back.
        """
        known = self._failing.get(key)
        if known and now < known.due <= now + known.pause:
            return msgspec.structs.replace(known, is_new=False)
        count = known.count + 1 if known else 1
        pause = backoff.pause(count, self._dice)
        failing = Failing(count, now + pause, pause)
        self._failing[key] = failing
        return failing

    def forget(self, key: ReconcileKey) -> None:
        """Record a success, or that the key has nothing to do any more."""
        self._failing.pop(key, None)
