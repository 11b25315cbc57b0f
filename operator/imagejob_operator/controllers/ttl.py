"""Deletes finished ImageJobs whose TTL has expired.

Finished ImageJobs are not in the cache, so that any number of them costs nothing. Those with a TTL
are listed instead, once a minute and a page at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.expiry import has_expired
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import ApiError, ConflictError
from imagejob_operator.kube.pager import FIRST
from imagejob_operator.observability.logging import about

from .containment import contained

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)


async def sweep_forever(
    cluster: Cluster,
    write_audit: Callable[[bytes], None],
    clock: Callable[[], datetime],
    interval: timedelta = INTERVAL,
) -> None:
    """Sweep until cancelled.

    `write_audit` takes an audit line, and has flushed it when it returns.
    """
    sweeper = Sweeper(cluster, write_audit, clock)
    while True:
        try:
            await sweeper.sweep()
        except ApiError as error:
            if not error.is_outage:
                log.warning("cannot list expired ImageJobs, will retry: %s", error)
        await asyncio.sleep(interval.total_seconds())


class Sweeper:
    """Remembers the audit lines it wrote, while the API server refuses to delete the ImageJob."""

    def __init__(
        self, cluster: Cluster, write_audit: Callable[[bytes], None], clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._write_audit = write_audit
        self._clock = clock
        self._emitted: set[str] = set()

    async def sweep(self, page_size: int = FIRST) -> int:
        """Delete what has expired, and return its number.

        Raises ApiError when the API server doesn't respond; the next sweep deletes the rest.
        """
        deleted = 0
        met: set[str] = set()
        async for jobs in self._cluster.finished_with_ttl(page_size):
            for job in jobs:
                with contained(self._cluster.metrics, "ttl", about(job.metadata)):
                    if has_expired(job, self._clock()):
                        met.add(job.metadata.uid)
                        deleted += await self._delete(job)
        self._emitted &= met
        if deleted:
            log.info("deleted %d expired ImageJobs", deleted)
        return deleted

    async def _delete(self, job: ImageJob) -> bool:
        """Write the audit line first: once the ImageJob is gone, only the audit log can say so."""
        if job.metadata.uid not in self._emitted:
            self._write_audit(audit.line(job, audit.expired(job, self._clock())))
            self._emitted.add(job.metadata.uid)
        try:
            return await self._cluster.delete_image_job(job.metadata)
        except ConflictError:  # it has changed since it was listed: retried by the next sweep
            return False
        except ApiError as error:
            if not error.is_refusal:
                raise
            meta = job.metadata
            log.warning("cannot delete the expired ImageJob: %s", error, extra=about(meta))
            return False
