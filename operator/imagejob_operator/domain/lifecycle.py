"""What to do next about one ImageJob: a pure function of what is known, what is remembered, and the time."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from . import audit
from .model import AuditEntry, ImageJob, ImageJobStatus
from .platform import Platform
from .reasons import Reason
from .resolve import Resolved
from .standing import Situation, Standing, stand
from .status import describe

SETTLE = timedelta(seconds=1)
"""An intermediate state is written only if it has lasted this long, so that a short job costs one write."""


class Memory(msgspec.Struct, frozen=True):
    """What the operator remembers of an unfinished ImageJob between two looks; lost with the process.

    `last` is the newest transition (phase, reason), `since` when it was seen, `entries` the history that
    no status shows yet.
    """

    last: tuple[str, str] | None = None
    since: datetime | None = None
    entries: tuple[AuditEntry, ...] = ()


class Dispatch(msgspec.Struct, frozen=True):
    """Create a worker for it."""

    ready: Resolved


class WriteStatus(msgspec.Struct, frozen=True):
    """Write this status onto this version of the ImageJob, and tell of the newest transition."""

    job: ImageJob
    status: ImageJobStatus
    entries: tuple[AuditEntry, ...]


Action = Dispatch | WriteStatus


class Decision(msgspec.Struct, frozen=True):
    """What to remember, what to do, and when to look again even if nothing happens."""

    memory: Memory
    action: Action | None = None
    look_again: datetime | None = None


def decide(situation: Situation, memory: Memory, platform: Platform, now: datetime) -> Decision:
    """Decide about one unfinished ImageJob."""
    standing = stand(situation, platform)
    memory = _remember(situation.job, standing, memory, now)
    status = describe(situation.job, standing, memory.entries, now)
    due = now if standing.is_finished else (memory.since or now) + SETTLE
    if standing.ready:
        return Decision(memory, Dispatch(standing.ready))
    if status == situation.job.status:
        return Decision(memory)
    if now < due:
        return Decision(memory, look_again=due)
    return Decision(memory, WriteStatus(situation.job, status, memory.entries))


def _remember(job: ImageJob, standing: Standing, memory: Memory, now: datetime) -> Memory:
    """Add a transition to the history if there was one, and drop what the status shows by now."""
    shown = audit.last_seq(job)
    entries = tuple(entry for entry in memory.entries if entry.seq > shown)
    last = memory.last or _last_written(job)
    current = (standing.phase, standing.reason.value)
    if current == last:
        return Memory(last, memory.since or now, entries)
    seq = (entries[-1].seq if entries else shown) + 1
    return Memory(current, now, (*entries, audit.entry(seq, standing, now)))


def _last_written(job: ImageJob) -> tuple[str, str] | None:
    """After a restart the status itself tells which transition was the last."""
    newest = max(job.status.audit, key=lambda entry: entry.seq, default=None)
    return (newest.event, newest.reason) if newest else None
