"""When an ImageJob was charged to its namespace's quota: one order of precedence for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from .imagejob import AuditEntry, ImageJob
from .reasons import Reason


def charged_at(
    job: ImageJob,
    *,
    unwritten: Iterable[AuditEntry] = (),
    recorded: datetime | None = None,
    worker_created: datetime | None = None,
) -> datetime | None:
    """Return when the ImageJob was charged, by the first source that knows; else None.

    1. Its status. 2. The audit entries that its status does not show yet (`unwritten`). 3. The
    ledger (`recorded`). 4. Its worker: only a charged ImageJob gets one, so the charge is no later
    than the worker Job's creation.
    """
    entries = (entry.time for entry in unwritten if entry.reason == Reason.ADMITTED)
    return job.admitted_at or next(entries, None) or recorded or worker_created
