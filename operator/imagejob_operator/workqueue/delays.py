"""Timers that add keys to the work queue later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from imagejob_operator.cache.reconcile_key import ReconcileKey


class Delays:
    """At most one timer per key: a new one replaces the previous one."""

    def __init__(
        self, enqueue: Callable[[ReconcileKey], None], clock: Callable[[], datetime]
    ) -> None:
        self._enqueue = enqueue
        self._clock = clock
        self._pending: dict[ReconcileKey, asyncio.TimerHandle] = {}

    def set(self, key: ReconcileKey, at: datetime) -> None:
        """Add the key at that time, or immediately if it is past."""
        known = self._pending.pop(key, None)
        if known:
            known.cancel()
        delay = (at - self._clock()).total_seconds()
        loop = asyncio.get_running_loop()
        self._pending[key] = loop.call_later(delay, self._due, key)

    def __contains__(self, key: ReconcileKey) -> bool:
        """Whether the key is still to be added."""
        return key in self._pending

    def _due(self, key: ReconcileKey) -> None:
        del self._pending[key]
        self._enqueue(key)
