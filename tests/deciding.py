"""Decisions about an ImageJob, on the clock of `api_objects`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_objects import NOW, PLATFORM, written
from imagejob_operator.imagejob.decide import SETTLE, Decision, Memory, WriteStatus, decide

if TYPE_CHECKING:
    from datetime import datetime

    from imagejob_operator.api.imagejob import ImageJob
    from imagejob_operator.imagejob.inputs import Situation

NOTHING = Memory()
"""What is remembered by an operator that has just been started."""


def decided(known: Situation, memory: Memory = NOTHING, now: datetime = NOW) -> Decision:
    """What is to be done next."""
    return decide(known, memory, PLATFORM, now)


def shown(known: Situation, memory: Memory = NOTHING) -> ImageJob:
    """The ImageJob once its status says where it stands."""
    memory = decided(known, memory).memory
    write = decided(known, memory, NOW + SETTLE).action
    assert isinstance(write, WriteStatus)
    return written(known.job, write.status)
