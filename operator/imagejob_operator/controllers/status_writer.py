"""Writes the statuses of ImageJobs, audit lines and Events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from imagejob_operator.api.imagejob import AuditEntry, ImageJob, ImageJobStatus
from imagejob_operator.api.meta import Manifest
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import EventsKey
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.decide import WriteStatus
from imagejob_operator.kube import records
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import ApiError, ConflictError, NotFoundError
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_JOBS
from imagejob_operator.observability.logging import Value, fields
from imagejob_operator.workqueue.queue import WorkQueue

from .job_histories import JobHistories

log = logging.getLogger(__name__)

MANY_EVENTS = 4096
"""ImageJobs with unposted Events, some KiB each, above which Events get priority."""


class StatusWriter:
    """Each method is one action, safe to repeat after a crash, and may raise ApiError.

    Every answer of the API server goes into the cache.
    """

    def __init__(
        self,
        cluster: Cluster,
        cache: ClusterCache,
        queue: WorkQueue,
        histories: JobHistories,
        *,
        instance: str,
        write_audit: Callable[[bytes], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._queue = queue
        self._histories = histories
        self._instance = instance
        self._write_audit = write_audit
        self._clock = clock
        self._metrics = cluster.metrics
        self._events: dict[str, list[Manifest]] = {}

    async def write(self, write: WriteStatus) -> None:
        """Write the audit lines, then the status. The Event follows when there is capacity."""
        job = write.job
        self._emit(job, write.entries, write.status)
        try:
            written = await self._cluster.write_status(job, write.status)
        except (ConflictError, NotFoundError):
            self._cache.mark_unverified(job.metadata.uid)
        else:
            self._cache.upsert(written)
            if write.entries:
                uid, event = job.metadata.uid, records.event(job, write.entries[-1], self._instance)
                self._events.setdefault(uid, []).append(event)
                self._queue.add(EventsKey(job.metadata.namespace, uid))

    async def verify(self, uid: str) -> None:
        """Read an ImageJob that has changed, or left the watch, unexpectedly."""
        known = self._cache.jobs.get(uid)
        if not known:
            return
        fresh = await self._cluster.read(IMAGE_JOBS, known.metadata.namespace, known.metadata.name)
        self._cache.unverified.discard(uid)
        if isinstance(fresh, Unreadable):
            self._cache.upsert(fresh)
        elif fresh and fresh.metadata.uid == uid:  # and not a successor of its name
            self._cache.upsert(fresh)
            self._queue.add(uid)
        else:
            self._cancelled(known)

    def has_events(self, uid: str) -> bool:
        """Whether Events of that ImageJob are still to be posted."""
        return uid in self._events

    @property
    def are_events_many(self) -> bool:
        """Whether so many are unposted that they must not wait for other work."""
        return len(self._events) > MANY_EVENTS

    async def post_events(self, uid: str) -> None:
        """Post the Events of a written status: a failure is logged, not retried."""
        for event in self._events.pop(uid, ()):
            try:
                await self._cluster.events.post(event)
                self._metrics.event("posted")
            except ApiError as error:
                self._metrics.event("dropped")
                if not error.is_outage:
                    log.warning("cannot post an Event: %s", error, extra=_regarding(event))

    def _cancelled(self, job: ImageJob) -> None:
        """Write the audit line of an unfinished ImageJob that was deleted."""
        entries = self._histories.of(job.metadata.uid).entries
        if not audit.tells_cancelled(entries):
            entries = (*entries, audit.cancelled(job, entries, self._clock()))
        self._emit(job, entries)
        self._cache.remove(job)

    def _emit(
        self,
        job: ImageJob,
        entries: tuple[AuditEntry, ...],
        status: ImageJobStatus | None = None,
    ) -> None:
        """Write each audit line once, however often the status write is retried."""
        uid = job.metadata.uid
        history = self._histories.of(uid)
        new = [entry for entry in entries if entry.seq > history.emitted]
        for entry in new:
            quota = history.quota if entry.reason == Reason.ADMITTED else None
            self._write_audit(audit.line(job, entry, status, quota))
            self._metrics.emitted(job, entry, entries, status)
        self._histories.emitted(uid, new, self._clock())


def _regarding(event: Manifest) -> dict[str, dict[str, Value]]:
    """Return the log fields of an Event's object."""
    of = event["regarding"]
    return fields(namespace=of["namespace"], name=of["name"], uid=of["uid"])
