"""How much it matters that something is done soon."""

from __future__ import annotations

import enum


class Priority(enum.IntEnum):
    """Of two, the smaller goes first."""

    IMMEDIATE = 0
    """Waits for nothing: work for the whole cluster depends on it."""
    PROGRESS = 1
    """Brings ImageJobs on, or tells how they ended."""
    EVENT = 2
    """Tells once more what a status has told."""
    STATUS = 3
    """Tells where one stands meanwhile."""
    STATUS_REFRESH = 4
    """Tells it more exactly."""
