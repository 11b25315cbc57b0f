"""The operator's default waiting times, which unit tests expect."""

from __future__ import annotations

from imagejob_operator.config.timings import Timings

TIMINGS = Timings()
SETTLE = TIMINGS.settle
PATIENCE = TIMINGS.patience
REFUSED_FOR = TIMINGS.refused_for
REPLACED_AFTER = TIMINGS.replaced_after
