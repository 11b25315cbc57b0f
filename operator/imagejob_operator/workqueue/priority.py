"""How soon an action should run."""

from __future__ import annotations

import enum


class Priority(enum.IntEnum):
    """Of two priorities, the smaller goes first."""

    IMMEDIATE = 0
    """Never waits: work for the whole cluster depends on it."""
    PROGRESS = 1
    """Advances ImageJobs, or writes their outcome."""
    EVENT = 2
    """Posts the Event of a status that is written, or rebuilds ledgers that only statuses need."""
    STATUS = 3
    """Writes a waiting state."""
    STATUS_REFRESH = 4
    """Updates positions and times."""
