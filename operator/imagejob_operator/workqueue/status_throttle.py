"""What can wait is told one at a time, with a rest after each, so that it holds up nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable

WORK_REST = 1 / 8
"""So many times longer for each piece of work a second. Where ImageJobs finish by the hundred, few
are worth telling that they wait."""


class Load:
    """How much has been done lately: a count that fades, with one second for its time constant."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._count = 0.0
        self._at = clock()

    def add(self) -> None:
        self._count, self._at = self.rate() + 1, self._clock()

    def rate(self) -> float:
        """A second."""
        return self._count * math.exp(self._at - self._clock())


class StatusThrottle:
    """One at a time, and then a rest. Times in seconds."""

    def __init__(self, rest: float, patience: float) -> None:
        self._rest = rest
        self._patience = patience
        self._began = -math.inf
        self._next_at = -math.inf

    def begin(self, now: float) -> None:
        self._began, self._next_at = now, math.inf

    def end(self, now: float, load: float) -> None:
        """It took until now; `load` is how much work a second there has been."""
        rest = (now - self._began) * (self._rest + WORK_REST * load)
        self._next_at = now + min(rest, self._patience)

    def is_neglected(self, now: float) -> bool:
        """Whether the next has waited for long."""
        return now >= max(self._next_at, self._began + self._patience)

    def wait(self, now: float) -> float:
        """Until the next; 0 or less if it may be now."""
        return self._next_at - now
