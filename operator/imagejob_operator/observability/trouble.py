"""Logs a trouble by two lines, one when it begins and one when it is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

CALM_SECONDS = 10.0
"""A trouble is over once nothing has failed for this long: what fails every other time is one."""


class Trouble:
    """One thing that may fail repeatedly. `failing` and `working` begin the two lines."""

    def __init__(
        self,
        log: logging.Logger,
        failing: str,
        working: str,
        extra: Mapping[str, object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._failing = f"{failing}: %s"
        self._working = f"{working}, after %.0f s and %d failures"
        self._extra = extra
        self._clock = clock
        self._failures = 0
        self._began = self._last = 0.0

    def failed(self, why: object) -> None:
        """Record a failure; log the first."""
        self._last = self._clock()
        if not self._failures:
            self._began = self._last
            self._log.warning(self._failing, why, extra=self._extra)
        self._failures += 1

    def worked(self) -> None:
        """Record a success; log that the trouble is over."""
        if self._failures and self._clock() >= self._last + CALM_SECONDS:
            lasted, failures = self._last - self._began, self._failures
            self._failures = 0
            self._log.info(self._working, lasted, failures, extra=self._extra)
