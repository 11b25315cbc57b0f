"""The operator with a bug: it fails on any ImageJob called `cursed`.

python tests/support/buggy_operator.py
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from imagejob_operator import __main__ as operator
from imagejob_operator.controllers import reconciler

if TYPE_CHECKING:
    from datetime import datetime

    from imagejob_operator.config.platform import Platform
    from imagejob_operator.imagejob.decide import Decision, JobHistory
    from imagejob_operator.imagejob.inputs import Inputs

CURSED = "cursed"
decide = reconciler.decide


def failing(inputs: Inputs, history: JobHistory, platform: Platform, now: datetime) -> Decision:
    """Decide about all others."""
    if inputs.job.metadata.name == CURSED:
        raise ZeroDivisionError("a bug")
    return decide(inputs, history, platform, now)


if __name__ == "__main__":
    reconciler.decide = failing
    sys.exit(operator.main())
