"""Waiting for conditions, instead of sleeping and hoping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SECONDS = 60.0
"""What only a hang exceeds, also on a machine that stalls."""


def until(condition: Callable[[], T], seconds: float = SECONDS, every: float = 0.0) -> T:
    """Wait until `condition` returns a true value, and return it; check every `every` seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(every)  # between two checks, so that checking isn't most of the load
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie doesn't."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
