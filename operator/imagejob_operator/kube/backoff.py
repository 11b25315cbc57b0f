"""How long to pause after failures in a row."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec

DOUBLINGS = 16

JITTER = 0.25
"""What failed together isn't tried again together: a pause is shorter by up to this part of it."""


class Backoff(msgspec.Struct, frozen=True):
    """The pause after the first failure is `first`, doubled with each further one, up to `longest`.

    An ImageJob's attempts have delays of their own (imagejob/retry.py), which any operator
    calculates alike.
    """

    first: timedelta
    longest: timedelta

    def pause(self, failures: int, dice: random.Random | None = None) -> timedelta:
        """Return the pause after that many failures in a row, with jitter."""
        doubled = self.first * (1 << min(failures - 1, DOUBLINGS))
        return min(self.longest, doubled) * (dice or random).uniform(1 - JITTER, 1)
