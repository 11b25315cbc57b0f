"""What the engine does to the cluster: one method an action, each safe to repeat after a crash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import msgspec

from .cluster import IMAGE_JOBS, WORKER_JOBS, Cluster
from .domain import audit, manifests
from .domain.lifecycle import Dispatch, Memory, WriteStatus
from .domain.model import AuditEntry, ImageJob
from .domain.picture import Picture
from .domain.platform import Platform
from .domain.worker import WorkerJob
from .transport import ApiError, ConflictError, NotFoundError

log = logging.getLogger(__name__)


class Actions:
    """Applies decisions, and takes every answer into the picture. Any method may raise ApiError."""

    def __init__(
        self,
        cluster: Cluster,
        picture: Picture,
        memories: dict[str, Memory],
        platform: Platform,
        *,
        instance: str,
        tell: Callable[[bytes], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._picture = picture
        self._memories = memories
        self._platform = platform
        self._instance = instance
        self._tell = tell
        self._clock = clock

    def dispatch(self, dispatch: Dispatch) -> Coroutine[Any, Any, None]:
        """Create the worker Job, or find it created already.

        Its destination is taken at once, before anything is awaited.
        """
        name = manifests.worker_name([dispatch.ready.item.uid], dispatch.number)
        self._picture.claim(dispatch.job, name)
        return self._dispatch(dispatch, name)

    async def _dispatch(self, dispatch: Dispatch, name: str) -> None:
        job, ready = dispatch.job, dispatch.ready
        order = manifests.compose([ready.item], ready.stores, self._platform)
        manifest = manifests.worker_job(
            job.metadata.namespace, name, order, ready.stores, self._platform
        )
        try:
            self._picture.see(await self._cluster.create_worker(manifest))
        except ConflictError:
            await self._meet(job, name, order.encode())
        except ApiError as error:
            if not error.is_refusal:
                raise
            self._remember(job, self._memory(job).refused(error.message, self._clock()))
            self._picture.touch(job.metadata.uid)
        finally:
            self._picture.release(job)

    async def _meet(self, job: ImageJob, name: str, order: str) -> None:
        """A Job of our name is there. It counts if it was made for this order and will stay."""
        namespace, uid = job.metadata.namespace, job.metadata.uid
        known = await self._cluster.read(WORKER_JOBS, namespace, name)
        if known and known.order_text == order and not known.is_deleting:
            self._picture.see(known)
        else:
            self._remember(job, self._memory(job).next_number())
        self._picture.touch(uid)

    async def write_status(self, write: WriteStatus) -> None:
        """Tell the audit log, write the status, post the Event, in that order."""
        job = write.job
        self._tell_new(job, write.entries)
        try:
            written = await self._cluster.write_status(job, write.status)
        except ConflictError:
            await self.verify(job.metadata.uid)
        except NotFoundError:
            self._cancelled(job)
        else:
            self._picture.see(written)
            await self._post_event(write)

    def _tell_new(self, job: ImageJob, entries: tuple[AuditEntry, ...]) -> None:
        """Once each, however often the write that they go with is tried."""
        memory = self._memory(job)
        for entry in entries:
            if entry.seq > memory.told:
                self._tell(audit.line(job, entry))
                memory = msgspec.structs.replace(memory, told=entry.seq)
        self._remember(job, memory)

    async def _post_event(self, write: WriteStatus) -> None:
        """The status is written: an Event that can't be posted is worth a line, not a retry."""
        if not write.entries:
            return
        event = manifests.event(write.job, write.entries[-1], self._instance)
        try:
            await self._cluster.post_event(event)
        except ApiError as error:
            log.warning("no Event for %s: %s", write.job.metadata.name, error)

    async def verify(self, uid: str) -> None:
        """Ask what became of an ImageJob that has changed or left behind our back."""
        known = self._picture.jobs.get(uid)
        if not known:
            return
        fresh = await self._image_job(known.metadata.namespace, known.metadata.name, uid)
        self._picture.suspects.discard(uid)
        if fresh:
            self._picture.see(fresh)
        else:
            self._cancelled(known)

    def _cancelled(self, job: ImageJob) -> None:
        """It was deleted unfinished; the audit log is the only place left to say so."""
        entries = self._memory(job).entries
        self._tell_new(job, (*entries, audit.cancelled(job, entries, self._clock())))
        self._picture.lose(job)

    async def tidy(self, worker: WorkerJob) -> None:
        """Delete a worker Job that no known ImageJob needs, once none unknown to us does either."""
        for item in worker.items:
            if self._picture.jobs.has_left(item.uid):
                continue
            job = await self._image_job(worker.metadata.namespace, item.name, item.uid)
            if job and not job.is_finished:
                self._picture.see(job)
                return
        await self._cluster.delete_worker(worker.metadata)

    async def _image_job(self, namespace: str, name: str, uid: str) -> ImageJob | None:
        """That very ImageJob, not a successor of its name."""
        job = await self._cluster.read(IMAGE_JOBS, namespace, name)
        return job if job and job.metadata.uid == uid else None

    def _memory(self, job: ImageJob) -> Memory:
        return self._memories.get(job.metadata.uid, Memory())

    def _remember(self, job: ImageJob, memory: Memory) -> None:
        self._memories[job.metadata.uid] = memory
