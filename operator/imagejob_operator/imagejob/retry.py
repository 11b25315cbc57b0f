"""Decide after a failed attempt: whether another follows, and when."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import RETRYABLE, Reason
from imagejob_operator.config.bounds import Bounds, retries_of

LONGEST = timedelta(seconds=300)
"""The longest delay before jitter."""

JITTER = 0.25
"""How far a delay may deviate from the doubled one, as a fraction of it."""

_DOUBLINGS = 64
"""Any delay above a nanosecond reaches LONGEST with fewer; keeps the float finite."""


def next_attempt(
    job: ImageJob,
    reason: Reason,
    attempt: int,
    ended: datetime,
    was_large: bool,  # noqa: FBT001 (an attempt was of one memory class or the other)
    base: timedelta,
    bounds: Bounds,
) -> datetime | None:
    """Return from when on another attempt follows; None if none does.

    Attempt number `attempt` (from 1) failed at `ended` for `reason`.
    Only the larger memory class can cure OutOfMemory, so there is one such retry.
    """
    needs_memory = reason is Reason.OUT_OF_MEMORY
    if reason not in RETRYABLE or attempt > retries_of(job, bounds) or (needs_memory and was_large):
        return None
    return ended + delay(job.metadata.uid, attempt, base)


def delay(uid: str, attempt: int, base: timedelta) -> timedelta:
    """Return the delay after attempt number `attempt` (from 1).

    It is `base` after the first, doubles with each further one up to LONGEST, plus or minus JITTER,
    so that attempts that failed together aren't retried together. The jitter is a hash of UID and
    attempt, so every evaluation gives the same delay, also after a restart.
    """
    doubled = base.total_seconds() * 2.0 ** min(attempt - 1, _DOUBLINGS)
    return timedelta(seconds=min(doubled, LONGEST.total_seconds()) * _jitter(uid, attempt))


def exhausted(message: str, attempts: int) -> str:
    """Format the message of the last attempt: `… (attempt 4 of 4)`."""
    return f"{message} (attempt {attempts} of {attempts})"


def _jitter(uid: str, attempt: int) -> float:
    """Between 1 - JITTER and 1 + JITTER, uniform. `hash()` would differ between processes."""
    digest = blake2b(f"{uid}/{attempt}".encode(), digest_size=4).digest()
    return 1 + JITTER * (2 * int.from_bytes(digest, "big") / (2**32 - 1) - 1)
