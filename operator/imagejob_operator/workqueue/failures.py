"""When to reconcile a key again that has failed: later each time, as client-go does."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.cache.reconcile_key import ReconcileKey

FIRST, LONGEST = timedelta(seconds=1), timedelta(minutes=5)
"""The pause after the first failure, which doubles with each further one in a row."""

_DOUBLINGS = 16


class Failures:
    """How often each key has failed in a row, and when it is due again."""

    def __init__(self) -> None:
        self._counts: dict[ReconcileKey, int] = {}
        self._due: dict[ReconcileKey, datetime] = {}

    def failed(self, key: ReconcileKey, now: datetime) -> datetime | None:
        """Record a failure; return when to retry.

        None if it failed within its pause, because of an event: then that retry is still to come.
        """
        due = self._due.get(key)
        if due and now < due:
            return None
        count = self._counts.get(key, 0)
        self._counts[key] = count + 1
        self._due[key] = now + min(FIRST * (1 << min(count, _DOUBLINGS)), LONGEST)
        return self._due[key]

    def succeeded(self, key: ReconcileKey) -> None:
        """Forget the key's failures."""
        if self._counts.pop(key, None):
            del self._due[key]
