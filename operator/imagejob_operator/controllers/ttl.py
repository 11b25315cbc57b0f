"""Deletes ImageJobs that finished longer ago than their owners asked them to be kept.

Finished ImageJobs are not in the cache, so that any number of them costs nothing. Those
that are to go one day are listed instead, once a minute and a page at a time.
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
from imagejob_operator.kube.pager import FIRST
from imagejob_operator.kube.transport import ApiError, ConflictError
from imagejob_operator.observability.logging import about

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)


async def sweep_forever(
    cluster: Cluster,
    write_audit: Callable[[bytes], None],
    clock: Callable[[], datetime],
    interval: timedelta = INTERVAL,
) -> None:
    """Sweep until cancelled. `write_audit` takes the audit lines, and writes each at once."""
    sweeper = Sweeper(cluster, write_audit, clock)
    while True:
        try:
            await sweeper.sweep()
        except ApiError as error:
            log.warning("can't look for expired ImageJobs, will try again: %s", error)
        await asyncio.sleep(interval.total_seconds())


class Sweeper:
    """Remembers what it has told of, for as long as the API server refuses to delete it."""

    def __init__(
        self, cluster: Cluster, write_audit: Callable[[bytes], None], clock: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._write_audit = write_audit
        self._clock = clock
        self._emitted: set[str] = set()

    async def sweep(self, page_size: int = FIRST) -> int:
        """Delete what has expired by now, and give how many that were.

        Raises ApiError when the API server doesn't answer; what is left is the next sweep's.
        """
        deleted = 0
        met: set[str] = set()
        async for jobs in self._cluster.finished_with_ttl(page_size):
            for job in jobs:
                if has_expired(job, self._clock()):
                    met.add(job.metadata.uid)
                    deleted += await self._delete(job)
        self._emitted &= met
        if deleted:
            log.info("deleted %d expired ImageJobs", deleted)
        return deleted

    async def _delete(self, job: ImageJob) -> bool:
        """Tell first: once the ImageJob is gone, the audit log is the only place left to say so."""
        if job.metadata.uid not in self._emitted:
            self._write_audit(audit.line(job, audit.expired(job, self._clock())))
            self._emitted.add(job.metadata.uid)
        try:
            return await self._cluster.delete_image_job(job.metadata)
        except ConflictError:  # it has changed since it was listed: the next sweep looks again
            return False
        except ApiError as error:
            if not error.is_refusal:
                raise
            meta = job.metadata
            log.warning("can't delete the expired ImageJob: %s", error, extra=about(meta))
            return False
