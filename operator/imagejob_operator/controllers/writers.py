"""What the engine does to the cluster: one method an action, each safe to repeat after a crash."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.imagejob import AuditEntry, ImageJob, ImageJobStatus
from imagejob_operator.api.meta import Manifest
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.last_failure import is_spent
from imagejob_operator.cache.reconcile_key import EventsKey, NamespaceKey, QuotaStatusKey
from imagejob_operator.config.timings import Timings
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.decide import Find, Inquire, JobHistory, Replace, WriteStatus
from imagejob_operator.kube import records
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.resources import IMAGE_JOBS, WORKER_JOBS
from imagejob_operator.kube.transport import ApiError, ConflictError, NotFoundError
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.scheduling.namespace_state import NamespaceState, PendingWorker

log = logging.getLogger(__name__)

MANY_EVENTS = 4096
"""Of so many ImageJobs Events may wait to be posted, some KiB each."""

STALE = timedelta(seconds=5)
"""A worker that was decided on so long ago is decided on again, from what is there by now."""


class Writers:
    """Applies decisions, and takes every answer into the picture. Any method may raise ApiError."""

    def __init__(
        self,
        cluster: Cluster,
        cache: ClusterCache,
        histories: dict[str, JobHistory],
        timings: Timings,
        *,
        instance: str,
        write_audit: Callable[[bytes], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._histories = histories
        self._timings = timings
        self._instance = instance
        self._write_audit = write_audit
        self._clock = clock
        self._metrics = cluster.metrics
        self._events: dict[str, list[Manifest]] = {}

    async def create(self, state: NamespaceState, pending: PendingWorker) -> None:
        """Create the worker Job, or find it created already."""
        if state.pending.get(pending.name) is not pending:  # it has been met meanwhile
            self._release(pending)
            return
        if self._clock() - pending.at > STALE:
            # As after a pause: somebody else may have gone on meanwhile.
            for each in state.invalidate():
                self._release(each)
            self._cache.enqueue(NamespaceKey(state.namespace))
            return
        try:
            self._cache.upsert(await self._cluster.create_worker(pending.manifest))
            self._metrics.worker_created(len(pending.jobs))
            state.end(pending.name)
        except ConflictError:
            await self._meet(state, pending)
        except ApiError as error:
            if not error.is_refusal:
                raise
            state.end(pending.name)
            for job in pending.jobs:
                self._remember(job, self._history(job).refused(error.message, self._ask_again()))
        self._release(pending)

    async def _meet(self, state: NamespaceState, pending: PendingWorker) -> None:
        """A Job of our name is there. It counts if it was made for this order and will stay."""
        known = await self._cluster.read(WORKER_JOBS, state.namespace, pending.name)
        if known and known.order_text == pending.order and not known.is_deleting:
            self._cache.upsert(known)
        else:
            state.end(pending.name)  # the next dispatch has another number, so another name

    def _release(self, pending: PendingWorker) -> None:
        for job in pending.jobs:
            self._cache.forget(job)
            self._cache.enqueue(job.metadata.uid)
            # What was about to be at work is, or is not to be.
            self._cache.enqueue(QuotaStatusKey(job.metadata.namespace))

    async def inquire(self, inquire: Inquire) -> None:
        """Find out why a worker Job gets no pod, or why its pod doesn't start."""
        job, worker = inquire.job, inquire.worker
        asked = (worker.pod or worker.job).metadata
        warnings = await self._cluster.warnings_about(asked)
        why, about = warnings[-1] if warnings else "", asked.name if worker.pod else ""
        self._remember(job, self._history(job).refused(why, self._ask_again(), about))
        self._cache.enqueue(job.metadata.uid)

    def _ask_again(self) -> datetime:
        return self._clock() + self._timings.refused_for

    async def replace(self, replace: Replace) -> None:
        """Delete a worker that won't do it, so that another can take its place."""
        await self._cluster.delete_worker(replace.worker.job.metadata)

    async def find(self, find: Find) -> None:
        """Learn whether the worker Job that the status names is there: its watch may be late."""
        job, name = find.job, find.worker
        known = await self._cluster.read(WORKER_JOBS, job.metadata.namespace, name)
        if known:
            self._cache.upsert(known)
        else:
            self._remember(job, msgspec.structs.replace(self._history(job), missing=name))
        self._cache.enqueue(job.metadata.uid)

    async def sweep(self, pod: Pod) -> None:
        """Delete a pod that has lost its Job, once it is sure that it has."""
        meta, controller = pod.metadata, pod.controller
        if controller:
            job = await self._cluster.read(WORKER_JOBS, meta.namespace, controller.name)
            if job and job.metadata.uid == controller.uid:
                self._cache.upsert(job)
                if not self._cache.is_stray(pod):
                    return
        log.warning("pod %s/%s has lost its worker Job: deleting it", meta.namespace, meta.name)
        await self._cluster.delete_pod(meta)

    async def write_status(self, write: WriteStatus) -> None:
        """Tell the audit log, and write the status. The Event comes after, when there is room."""
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
                self._cache.enqueue(EventsKey(job.metadata.namespace, uid))

    def _emit(
        self,
        job: ImageJob,
        entries: tuple[AuditEntry, ...],
        status: ImageJobStatus | None = None,
    ) -> None:
        """Once each, however often the write that they go with is tried."""
        history = self._history(job)
        new = [entry for entry in entries if entry.seq > history.emitted]
        for entry in new:
            quota = history.quota if entry.reason == Reason.ADMITTED else None
            self._write_audit(audit.line(job, entry, status, quota))
            self._metrics.emitted(job, entry, entries, status)
            history = msgspec.structs.replace(history, emitted=entry.seq)
        run = history.run.after_telling(len(new), self._clock())
        self._remember(job, msgspec.structs.replace(history, run=run))

    def has_events(self, uid: str) -> bool:
        """Whether Events of that ImageJob are still to be posted."""
        return uid in self._events

    @property
    def are_events_many(self) -> bool:
        """Whether so many are still to be posted that they are not to wait for other work."""
        return len(self._events) > MANY_EVENTS

    async def post_events(self, uid: str) -> None:
        """The status is written: an Event that can't be posted is worth a line, not a retry."""
        for event in self._events.pop(uid, ()):
            try:
                await self._cluster.post_event(event)
                self._metrics.event("posted")
            except ApiError as error:
                self._metrics.event("dropped")
                log.warning("no Event for %s: %s", event["regarding"]["name"], error)

    async def verify(self, uid: str) -> None:
        """Ask what became of an ImageJob that has changed or left behind our back."""
        known = self._cache.jobs.get(uid)
        if not known:
            return
        fresh = await self._image_job(known.metadata.namespace, known.metadata.name, uid)
        self._cache.unverified.discard(uid)
        if fresh:
            self._cache.upsert(fresh)
            self._cache.enqueue(uid)
        else:
            self._cancelled(known)

    def _cancelled(self, job: ImageJob) -> None:
        """It was deleted unfinished; the audit log is the only place left to say so."""
        entries = self._history(job).entries
        if not audit.tells_cancelled(entries):
            entries = (*entries, audit.cancelled(job, entries, self._clock()))
        self._emit(job, entries)
        self._cache.remove(job)

    async def tidy(self, worker: WorkerJob) -> None:
        """Delete a worker Job that no known ImageJob needs, once none unknown to us does either."""
        for item in worker.items:
            if self._cache.jobs.has_left(item.uid):
                continue
            job = await self._image_job(worker.metadata.namespace, item.name, item.uid)
            if job and not job.is_finished and not is_spent(worker, job):
                self._cache.upsert(job)
                return
        await self._cluster.delete_worker(worker.metadata)
        self._cache.give_up_silent(worker, self._clock())

    async def _image_job(self, namespace: str, name: str, uid: str) -> ImageJob | None:
        """That very ImageJob, not a successor of its name."""
        job = await self._cluster.read(IMAGE_JOBS, namespace, name)
        return job if job and job.metadata.uid == uid else None

    def _history(self, job: ImageJob) -> JobHistory:
        return self._histories.get(job.metadata.uid, JobHistory())

    def _remember(self, job: ImageJob, history: JobHistory) -> None:
        self._histories[job.metadata.uid] = history
