"""When the TTL of a finished ImageJob expires."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob


def expires_at(job: ImageJob) -> datetime | None:
    """When the ImageJob's TTL expires, so that it may be deleted.

    None if it has no TTL, hasn't finished, or is being deleted already. Counts from
    `status.completionTime`, a whole second that may be up to a second before the actual end.
    """
    ttl, finished = job.spec.ttl_seconds_after_finished, job.status.completion_time
    if ttl is None or finished is None or not job.is_finished or job.metadata.deletion_timestamp:
        return None
    return finished + timedelta(seconds=ttl)


def has_expired(job: ImageJob, now: datetime) -> bool:
    """Whether its TTL has expired."""
    at = expires_at(job)
    return at is not None and at <= now
