"""What to do next about one ImageJob: a pure function of what is known, what was, and the time."""

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
"""How long an intermediate state must last to be written: a short job costs one status write."""

REFUSED_FOR = timedelta(seconds=15)
"""How long a refused worker Job is not tried again."""


class Refusal(msgspec.Struct, frozen=True):
    """The API server wouldn't have the worker Job."""

    message: str
    until: datetime


class Memory(msgspec.Struct, frozen=True):
    """What is remembered of an unfinished ImageJob from look to look; lost with the process.

    `last` is the newest transition (phase, reason), `since` when it was seen, `entries` the history
    that no status shows yet, `told` the highest sequence number that went to the audit log,
    `number` the dispatch number to try next.
    """

    last: tuple[str, str] | None = None
    since: datetime | None = None
    entries: tuple[AuditEntry, ...] = ()
    told: int = 0
    number: int = 1
    refusal: Refusal | None = None

    def next_number(self) -> Memory:
        """The name of that dispatch is taken by something else."""
        return msgspec.structs.replace(self, number=self.number + 1)

    def refused(self, message: str, now: datetime) -> Memory:
        """Remember that the worker Job was refused."""
        return msgspec.structs.replace(self, refusal=Refusal(message, now + REFUSED_FOR))


class Dispatch(msgspec.Struct, frozen=True):
    """Create a worker for it."""

    job: ImageJob
    ready: Resolved
    number: int


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
    ready = standing.ready
    refusal = memory.refusal if ready else None
    if refusal:
        standing = Standing("Queued", Reason.WORKER_REFUSED, refusal.message)
    memory = _remember(situation.job, standing, memory, now)
    if ready and (not refusal or now >= refusal.until):
        return Decision(memory, Dispatch(situation.job, ready, memory.number))

    status = describe(situation.job, standing, memory.entries, now)
    try_again = refusal.until if refusal else None
    if status == situation.job.status:
        return Decision(memory, look_again=try_again)
    due = now if standing.is_finished else (memory.since or now) + SETTLE
    if now < due:
        return Decision(memory, look_again=due)
    write = WriteStatus(situation.job, status, memory.entries)
    return Decision(memory, write, look_again=try_again)


def _remember(job: ImageJob, standing: Standing, memory: Memory, now: datetime) -> Memory:
    """Add a transition to the history if there was one, and drop what the status shows by now."""
    shown = audit.last_seq(job)
    entries = tuple(entry for entry in memory.entries if entry.seq > shown)
    last = memory.last or _last_written(job)
    since = memory.since or now
    current = (standing.phase, standing.reason.value)
    if current != last:
        seq = audit.next_seq(job, entries)
        entries = (*entries, audit.entry(seq, standing, now))
        since = now
    return msgspec.structs.replace(memory, last=current, since=since, entries=entries)


def _last_written(job: ImageJob) -> tuple[str, str] | None:
    """After a restart the status itself tells which transition was the last."""
    newest = audit.newest(job)
    return (newest.event, newest.reason) if newest else None
