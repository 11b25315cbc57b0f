"""Waiting for what will come about, instead of sleeping and hoping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SECONDS = 20.0


def until(condition: Callable[[], T], seconds: float = SECONDS, every: float = 0.0) -> T:
    """Wait until `condition` gives something true, and return it; ask `every` so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(every)  # between two askings, so that asking isn't most of the load
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to notice doesn't."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
