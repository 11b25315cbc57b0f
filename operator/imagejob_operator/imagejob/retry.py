"""What follows a failed attempt: another one, and when, or the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import RETRYABLE, Reason
from imagejob_operator.config.bounds import Bounds, retries_of

LONGEST = timedelta(seconds=300)
"""What doubling stops at, before jitter."""

JITTER = 0.25
"""How far a delay may be from what doubling gives, as a part of it."""

_DOUBLINGS = 64
"""More than any delay above a nanosecond needs to reach LONGEST; keeps the float finite."""


class Retry(msgspec.Struct, frozen=True):
    """Another attempt, from `at` on."""

    at: datetime


class Final(msgspec.Struct, frozen=True):
    """No other attempt."""


Verdict = Retry | Final


def verdict(
    job: ImageJob,
    reason: Reason,
    attempt: int,
    ended: datetime,
    was_large: bool,  # noqa: FBT001 (an attempt was of one memory class or the other)
    base: timedelta,
    bounds: Bounds,
) -> Verdict:
    """What follows attempt number `attempt` (from 1), which ended at `ended` for that reason.

    The larger memory class is the only cure for OutOfMemory, so there is one such retry.
    """
    needs_memory = reason is Reason.OUT_OF_MEMORY
    if reason not in RETRYABLE or attempt > retries_of(job, bounds) or (needs_memory and was_large):
        return Final()
    at = ended + delay(job.metadata.uid, attempt, base)
    return Retry(at)


def delay(uid: str, attempt: int, base: timedelta) -> timedelta:
    """How long to wait after attempt number `attempt` (from 1).

    `base` after the first, twice as long after each further one, at most LONGEST; give or take
    JITTER, so that what failed together isn't tried together. The jitter is a hash of UID and
    attempt: whoever decides again, after a restart too, decides the same.
    """
    doubled = base.total_seconds() * 2.0 ** min(attempt - 1, _DOUBLINGS)
    return timedelta(seconds=min(doubled, LONGEST.total_seconds()) * _jitter(uid, attempt))


def exhausted(message: str, attempts: int) -> str:
    """The message of a last attempt: `… (attempt 4 of 4)`."""
    return f"{message} (attempt {attempts} of {attempts})"


def _jitter(uid: str, attempt: int) -> float:
    """From 1 - JITTER to 1 + JITTER, evenly. Not `hash()`, which differs between processes."""
    digest = blake2b(f"{uid}/{attempt}".encode(), digest_size=4).digest()
    return 1 + JITTER * (2 * int.from_bytes(digest, "big") / (2**32 - 1) - 1)
