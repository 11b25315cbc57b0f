"""The limits of a transfer: its least rate, and how long each step of it may take.

Without them a store that sends a byte now and then would hold a worker endlessly.
"""

from __future__ import annotations

import time
from typing import Final

WINDOW: Final = 30.0
"""The seconds over which a rate is measured."""

QUIET: Final = 30.0
"""The seconds after which a store that neither sends nor receives anything is given up."""

_MARK = 1.0  # one mark a second at most, so that many small pieces don't make the list long


class TooSlowError(Exception):
    """A transfer is slower than its least rate; the message gives the rate."""


class DeadlineError(Exception):
    """A step, or the transfer, took longer than it may."""


class TransferRate:
    """How many bytes of one transfer moved, and when.

    `min_rate` is in bytes a second, over any 30 s; None sets no minimum. Times are seconds of a
    monotonic clock.
    """

    def __init__(self, min_rate: int | None, now: float) -> None:
        self._min_rate = min_rate
        self._marks = [(now, 0)]
        self._total = 0

    def moved(self, size: int, now: float) -> None:
        """Count bytes that were sent or received just now."""
        self._mark(now)
        self._total += size

    def fault(self, now: float) -> str | None:
        """Return why the transfer is too slow, or None. Call it at least once a second."""
        self._mark(now)
        began, before = self._marks[0]
        if self._min_rate is None or now - began < WINDOW:
            return None
        came = self._total - before
        if came >= self._min_rate * WINDOW:
            return None
        least = f"at least {self._min_rate} bytes a second have to move"
        return f"{came} bytes in {WINDOW:.0f} s, where {least}"

    def _mark(self, now: float) -> None:
        """Note the total by now; drop marks from before the window."""
        if now - self._marks[-1][0] >= _MARK:
            self._marks.append((now, self._total))
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW:
            del self._marks[0]


class TransferLimits:
    """When a transfer, and each step of it, must end (time.monotonic()), and its least rate."""

    def __init__(self, end: float, min_rate: int | None = None) -> None:
        self.end = end
        self._rate = TransferRate(min_rate, time.monotonic())

    def without_rate(self) -> TransferLimits:
        """Return limits with the same end, for a wait in which no bytes move."""
        return TransferLimits(self.end)

    def step(self) -> float:
        """Return when a step that begins now must end."""
        return min(self.end, time.monotonic() + QUIET)

    def moved(self, size: int) -> None:
        """Count bytes. Raises TooSlowError, or DeadlineError past the end."""
        self._rate.moved(size, time.monotonic())
        self.check()

    def check(self) -> None:
        """Raise TooSlowError if too few bytes moved, or DeadlineError past the end."""
        now = time.monotonic()
        if slow := self._rate.fault(now):
            raise TooSlowError(slow)
        if now >= self.end:
            raise DeadlineError("its time is up")
