"""How long the operator waits, by default: what unit tests reckon with."""

from __future__ import annotations

from imagejob_operator.config.timings import Timings

TIMINGS = Timings()
SETTLE = TIMINGS.settle
PATIENCE = TIMINGS.patience
REFUSED_FOR = TIMINGS.refused_for
REPLACED_AFTER = TIMINGS.replaced_after
