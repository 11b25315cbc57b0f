"""Who did what to an ImageJob, and what came of it: in its status, and on standard output."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .model import AuditEntry, ImageJob
from .reasons import Reason
from .standing import Standing

KEPT_IN_STATUS = 20

OPERATOR = "imagejob-operator"
UNKNOWN = "unknown"
"""The requester, as long as no admission policy vouches for the annotation that names one."""


def newest(job: ImageJob) -> AuditEntry | None:
    """The last transition that the status shows."""
    return max(job.status.audit, key=lambda entry: entry.seq, default=None)


def last_seq(job: ImageJob) -> int:
    """The highest sequence number that the status shows; 0 before the first."""
    shown = newest(job)
    return shown.seq if shown else 0


def next_seq(job: ImageJob, unwritten: tuple[AuditEntry, ...]) -> int:
    """The number of the next transition, after those that the status doesn't show yet."""
    return (unwritten[-1].seq if unwritten else last_seq(job)) + 1


def entry(seq: int, standing: Standing, now: datetime) -> AuditEntry:
    """One transition, as of `now`."""
    actor = OPERATOR if standing.item else UNKNOWN
    return AuditEntry(
        seq=seq,
        time=now,
        actor=actor,
        event=standing.phase,
        reason=standing.reason.value,
        message=standing.message,
    )


def line(job: ImageJob, entry: AuditEntry) -> bytes:
    """One line of JSON for the operator's standard output, without the line's end.

    Printed before the status is written: after a crash a line may come twice, with the same `uid`
    and `seq`, and consumers keep one of them.
    """
    return msgspec.json.encode(
        {
            "kind": "ImageJobAudit",
            "namespace": job.metadata.namespace,
            "name": job.metadata.name,
            "uid": job.metadata.uid,
            "generation": job.metadata.generation,
            **msgspec.to_builtins(entry),
        }
    )


def cancelled(job: ImageJob, unwritten: tuple[AuditEntry, ...], now: datetime) -> AuditEntry:
    """The last entry of an ImageJob that was deleted before it finished."""
    message = "the ImageJob was deleted before it finished"
    seq = next_seq(job, unwritten)
    return AuditEntry(seq, now, UNKNOWN, "Deleted", Reason.CANCELLED.value, message)
