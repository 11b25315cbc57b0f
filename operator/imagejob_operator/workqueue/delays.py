"""When to look at something again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from imagejob_operator.cache.reconcile_key import Subject


class Timers:
    """At most one for each subject: a new one takes the place of the one before."""

    def __init__(self, ring: Callable[[Subject], None], clock: Callable[[], datetime]) -> None:
        self._ring = ring
        self._clock = clock
        self._pending: dict[Subject, asyncio.TimerHandle] = {}

    def set(self, subject: Subject, at: datetime) -> None:
        """Have the subject looked at then, or at once if that is past."""
        known = self._pending.pop(subject, None)
        if known:
            known.cancel()
        delay = (at - self._clock()).total_seconds()
        loop = asyncio.get_running_loop()
        self._pending[subject] = loop.call_later(delay, self._due, subject)

    def _due(self, subject: Subject) -> None:
        del self._pending[subject]
        self._ring(subject)
