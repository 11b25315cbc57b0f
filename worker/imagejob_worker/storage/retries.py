"""Retries within a worker: for seconds. Further attempts are the operator's, with its backoff."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, TypeVar

from imagejob_worker.storage.faults import WireError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# A store that refuses connections, or answers 5xx, is given up after some 4 seconds.
RETRIES: Final = 5
_RETRY_SECONDS = 8.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


def with_retries(attempt: Callable[[], T], end: float) -> T:
    """Retry what may be a passing fault, for some seconds, and not past `end`."""
    last = min(end, time.monotonic() + _RETRY_SECONDS)
    pause = _FIRST_PAUSE
    for _ in range(RETRIES):
        try:
            return attempt()
        except WireError as error:
            # Jitter: a store that fails, fails for many workers at once.
            wait = pause * (0.5 + os.urandom(1)[0] / 512)
            if not error.is_retryable or time.monotonic() + wait >= last:
                raise
        time.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return attempt()
