"""How slow a transfer may be, and how long each step of it may take.

A store that drips would otherwise hold a worker for as long as it likes.
"""

from __future__ import annotations

import time
from typing import Final

WINDOW: Final = 30.0
"""The seconds over which a rate is judged."""

QUIET: Final = 30.0
"""The seconds after which a store that says nothing, or takes nothing, is given up."""

_MARK = 1.0  # a window is kept to the second, so that no drip makes it long


class SlowError(Exception):
    """Fewer bytes came or went than have to; the message gives the rate."""


class LateError(Exception):
    """A step took longer than it may."""


class Pace:
    """The bytes of one transfer, and when they came.

    `least` is what has to come a second, over any 30 s; None sets no minimum. Time is given in
    seconds of a clock that never goes back.
    """

    def __init__(self, least: int | None, now: float) -> None:
        self._least = least
        self._marks = [(now, 0)]
        self._total = 0

    def moved(self, size: int, now: float) -> None:
        """Note that so many bytes came, or went, just now."""
        self._mark(now)
        self._total += size

    def fault(self, now: float) -> str | None:
        """Say that it is too slow, if it is. Ask at least once a second."""
        self._mark(now)
        began, before = self._marks[0]
        if self._least is None or now - began < WINDOW:
            return None
        came = self._total - before
        if came >= self._least * WINDOW:
            return None
        least = f"at least {self._least} bytes a second have to move"
        return f"{came} bytes in {WINDOW:.0f} s, where {least}"

    def _mark(self, now: float) -> None:
        """Remember what had come by now; forget what came before the window."""
        if now - self._marks[-1][0] >= _MARK:
            self._marks.append((now, self._total))
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW:
            del self._marks[0]


class Patience:
    """When a transfer, and each step of it, has to be over: times of time.monotonic()."""

    def __init__(self, end: float, least: int | None = None) -> None:
        self.end = end
        self._pace = Pace(least, time.monotonic())

    def unhurried(self) -> Patience:
        """Return one with the same end, for a wait in which nothing is to move."""
        return Patience(self.end)

    def step(self) -> float:
        """Return when a step that begins now has to be over."""
        return min(self.end, time.monotonic() + QUIET)

    def moved(self, size: int) -> None:
        """Note so many bytes. Raises SlowError, or LateError past the end."""
        self._pace.moved(size, time.monotonic())
        self.check()

    def check(self) -> None:
        """Raise SlowError if too few bytes moved, LateError past the end."""
        now = time.monotonic()
        if slow := self._pace.fault(now):
            raise SlowError(slow)
        if now >= self.end:
            raise LateError("its time is up")
