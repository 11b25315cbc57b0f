"""When a finished ImageJob has been kept for long enough."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob


def expires_at(job: ImageJob) -> datetime | None:
    """From when on the ImageJob is to be deleted.

    None for never: nobody asked for it, it hasn't finished, or it is being deleted already. Counts
    from `status.completionTime`, a whole second that may be up to a second before the very end.
    """
    ttl, finished = job.spec.ttl_seconds_after_finished, job.status.completion_time
    if ttl is None or finished is None or not job.is_finished or job.metadata.deletion_timestamp:
        return None
    return finished + timedelta(seconds=ttl)


def has_expired(job: ImageJob, now: datetime) -> bool:
    """Whether it is to be deleted by now."""
    at = expires_at(job)
    return at is not None and at <= now
