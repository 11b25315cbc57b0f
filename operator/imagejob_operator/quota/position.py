"""The queue position that a status shows: coarse, so that waiting costs few status writes.

If every status gave the exact position, each admission would rewrite the status of every waiting
ImageJob: n² / 2 writes for n ImageJobs. A position is shown until half of those before it have
left, so the ImageJob that arrives n-th is refreshed at most log2(n) times before it is first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from imagejob_operator.api.imagejob import Queue

TOLERANCE = 0.1
"""How far the shown time may be from the actual one, as a fraction of the remaining wait."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any ImageJob."""

TICK = timedelta(microseconds=1)

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


class QueuePosition(msgspec.Struct, frozen=True):
    """The position of an ImageJob in its queue (1 is next), and when it continues, if known."""

    position: int
    eligible_at: datetime | None = None


def fresh(position: QueuePosition) -> Queue:
    """Return status.queue for a position that it doesn't show yet."""
    return Queue(position.position, position.eligible_at)


def stale_from(old: Queue, position: QueuePosition, slot: timedelta) -> datetime | None:
    """Return from when on a status that shows `old` is stale; None: time alone won't make it so.

    `slot` is the precision of the tightest rate's times. The shorter the remaining wait, the
    smaller the error that it may have.
    """
    shown, actual = old.eligible_at, position.eligible_at
    if _is_stale_position(old.position, position.position):
        return LONG_AGO
    if shown is None or actual is None:
        return None if shown is actual else LONG_AGO
    error = abs(actual - shown)
    tolerated = error / TOLERANCE  # the remaining wait of which this error is the tolerance
    if error <= slot:
        return None
    return actual - tolerated + TICK if tolerated < actual - LONG_AGO else LONG_AGO


def waits_for_quota(queue: Queue, rate: str) -> str:
    """Format `waits for the quota of 50 per 1h: 4th in line, continues at 2026-11-22 10:32:05 UTC`.

    `rate` is the text of the tightest one, `50 per 1h`. The time is the first whole second at which
    the ImageJob has continued.
    """
    return f"waits for the quota of {rate}{_details(queue)}"


def waits_for_worker(queue: Queue) -> str:
    """Format `waits for a free worker: 3rd in line`."""
    return f"waits for a free worker{_details(queue)}"


def ordinal(number: int) -> str:
    """Format `1st`, `2nd`, `3rd`, `4th`, `11th`, `112th`."""
    regular = 11 <= number % 100 <= 13
    return f"{number}{'th' if regular else _ENDINGS.get(number % 10, 'th')}"


def _is_stale_position(old: int | None, new: int) -> bool:
    """Whether the position is half of the shown one or less (so 1 is always shown), or a quarter
    more."""
    return old is None or 2 * new <= old or 4 * new >= 5 * old


def _details(queue: Queue) -> str:
    place = f"{ordinal(queue.position)} in line" if queue.position else ""
    at = queue.eligible_at
    time = f"continues at {_whole_second(at):%Y-%m-%d %H:%M:%S} UTC" if at else ""
    details = ", ".join(filter(None, (place, time)))
    return f": {details}" if details else ""


def _whole_second(time: datetime) -> datetime:
    """Round up to a whole second, in UTC: the shown time is never too early."""
    whole = time.astimezone(UTC).replace(microsecond=0)
    return whole + timedelta(seconds=1) if time > whole else whole
