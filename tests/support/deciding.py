"""Decisions about an ImageJob, on the clock of `api_objects`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_operator.imagejob.decide import Decision, JobHistory, WriteStatus, decide

from support.api_objects import NOW, PLATFORM, written
from support.timings import SETTLE

if TYPE_CHECKING:
    from datetime import datetime

    from imagejob_operator.api.imagejob import ImageJob
    from imagejob_operator.imagejob.inputs import Inputs

NOTHING = JobHistory()
"""The memory of an operator that has just started."""


def decided(known: Inputs, history: JobHistory = NOTHING, now: datetime = NOW) -> Decision:
    """The next decision."""
    return decide(known, history, PLATFORM, now)


def shown(known: Inputs, history: JobHistory = NOTHING) -> ImageJob:
    """The ImageJob once its status shows its state."""
    history = decided(known, history).history
    write = decided(known, history, NOW + SETTLE).action
    assert isinstance(write, WriteStatus)
    return written(known.job, write.status)
