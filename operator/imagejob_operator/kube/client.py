"""The operations that the operator needs of the API server."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import msgspec

from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaStatus
from imagejob_operator.api.meta import API_VERSION, Manifest, ObjectMeta, Resource
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.observability.trouble import Trouble

from . import shallow
from .errors import ApiError, ConflictError, ExpiredError, NotFoundError
from .events import Events
from .object_store import HasMetadata
from .pager import FIRST, Page, Pager
from .reader import Reader, Unreadable
from .resources import (
    FINISHED_WITH_TTL,
    IMAGE_JOBS,
    IMAGE_QUOTAS,
    LEDGERS,
    PODS,
    WORKER_JOBS,
    Kind,
)
from .transport import Fence, Transport, decode
from .transport import connect as connect_transport
from .worker import WorkerJob

log = logging.getLogger(__name__)

SLACK = 15.0
"""Seconds that a watch may last beyond the requested time."""

T = TypeVar("T", bound=HasMetadata)


class Change(msgspec.Struct, Generic[T], frozen=True):
    """A watch event: ADDED, MODIFIED, DELETED, or BOOKMARK, which has no object.

    `version` is the watch's resource version; "" if it can't be read.
    """

    type: str
    version: str
    thing: T | Unreadable | None = None


class _WatchEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _VersionMeta(Resource, frozen=True):
    resource_version: str


class _Versioned(Resource, frozen=True):
    """Any object, of which only the version matters."""

    metadata: _VersionMeta


class _Failure(msgspec.Struct):
    """A Status object."""

    code: int = 0
    message: str = ""


class Cluster:
    """The API server, as far as the operator needs it. Every method may raise ApiError.

    `events` are those about any object, `limiter` adapts the number of concurrent requests,
    `metrics` counts them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.reader = Reader(transport.metrics)
        self._pager = Pager(transport, self.reader)
        self.events = Events(transport, self._pager)
        self.limiter = transport.limiter
        self.metrics = transport.metrics

    async def pages(
        self, kind: Kind[T], namespace: str = "", *, selected: bool = True
    ) -> AsyncIterator[Page[T]]:
        """List every object of the kind, in every namespace or in one, at one resource version.

        Without `selected`, objects that the kind's selector excludes are included.
        """
        async for page in self._pager.pages(kind, namespace, kind.selector if selected else ()):
            yield page
        self.metrics.listed(kind.plural)

    @asynccontextmanager
    async def watch(
        self, kind: Kind[T], version: str, seconds: int, namespace: str = ""
    ) -> AsyncIterator[AsyncIterator[Change[T]]]:
        """Watch changes after that version, in every namespace or in one, for `seconds`.

        Entered once the watch has begun.

        Raises ExpiredError, at any time, when a list has to come first.
        """
        query = [
            *kind.selector,
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(seconds)),
        ]
        patience = seconds + SLACK  # a connection may break without notice
        async with self._transport.watch(kind.path(namespace), query, patience) as lines:
            yield self._changes(kind, lines)

    async def _changes(
        self, kind: Kind[T], lines: AsyncIterator[bytes]
    ) -> AsyncIterator[Change[T]]:
        async for line in lines:
            event = _watch_event(line)
            if event.type == "ERROR":
                failure = decode(event.object, _Failure)
                failed = ExpiredError if failure.code == 410 else ApiError
                raise failed(failure.code, failure.message)
            if event.type == "BOOKMARK":
                yield Change(event.type, decode(event.object, _Versioned).metadata.resource_version)
                continue
            thing = self.reader.read(kind, event.object)
            if isinstance(thing, Unreadable):
                yield Change(event.type, str(thing.version or ""), thing)
            else:
                yield Change(event.type, thing.metadata.resource_version, thing)

    async def read(self, kind: Kind[T], namespace: str, name: str) -> T | Unreadable | None:
        """Return one object; None if there is none."""
        try:
            data = await self._transport.send("GET", kind.path(namespace, name))
        except NotFoundError:
            return None
        return self.reader.read(kind, data)

    async def finished_with_ttl(self, page_size: int = FIRST) -> AsyncIterator[list[ImageJob]]:
        """List all finished ImageJobs that have a TTL, a page at a time."""
        selector = (("fieldSelector", FINISHED_WITH_TTL),)
        async for page in self._pager.pages(IMAGE_JOBS, "", selector, page_size):
            yield page.items

    async def delete_image_job(self, job: ObjectMeta) -> bool:
        """Delete exactly this version of the ImageJob; return False if it is gone already.

        Raises ConflictError when it has changed, or was replaced by another of its name.
        """
        versions = {"uid": job.uid, "resourceVersion": job.resource_version}
        options = {"preconditions": versions, "propagationPolicy": "Background"}
        try:
            await self._transport.send("DELETE", IMAGE_JOBS.path(job.namespace, job.name), options)
        except NotFoundError:
            return False
        return True

    async def create_worker(self, manifest: Manifest) -> WorkerJob | Unreadable:
        """Create a worker Job. Raises ConflictError where a Job of that name exists.

        What it returns, as after each write, exists even if it can't be read.
        """
        path = WORKER_JOBS.path(manifest["metadata"]["namespace"])
        return self.reader.read(WORKER_JOBS, await self._transport.send("POST", path, manifest))

    async def delete_worker(self, worker: ObjectMeta) -> None:
        """Delete exactly this Job, not a successor of its name; succeed if it is gone."""
        await self._delete(WORKER_JOBS, worker, propagationPolicy="Background")

    async def delete_pod(self, pod: ObjectMeta) -> None:
        """Delete exactly this pod, not a successor of its name; succeed if it is gone."""
        await self._delete(PODS, pod)

    async def _delete(self, kind: Kind[Any], meta: ObjectMeta, **options: str) -> None:
        body = {"preconditions": {"uid": meta.uid}, **options}
        try:
            await self._transport.send("DELETE", kind.path(meta.namespace, meta.name), body)
        except (NotFoundError, ConflictError):
            return

    async def write_status(self, job: ImageJob, status: ImageJobStatus) -> ImageJob | Unreadable:
        """Replace the status of exactly this version of the ImageJob.

        Raises ConflictError when it has changed, NotFoundError when it is gone.
        """
        answer = await self._put_status(IMAGE_JOBS, job.metadata, status)
        return self.reader.read(IMAGE_JOBS, answer)

    async def write_quota_status(
        self, quota: ImageQuota, status: ImageQuotaStatus
    ) -> ImageQuota | Unreadable:
        """Replace the status of an ImageQuota, as `write_status` does."""
        answer = await self._put_status(IMAGE_QUOTAS, quota.metadata, status)
        return self.reader.read(IMAGE_QUOTAS, answer)

    async def _put_status(self, kind: Kind[Any], meta: ObjectMeta, status: Resource) -> bytes:
        """Replace the status; the API server ignores changes to anything else."""
        body = {
            "apiVersion": API_VERSION,
            "kind": kind.type.__name__,
            "metadata": {
                "name": meta.name,
                "namespace": meta.namespace,
                "uid": meta.uid,
                "resourceVersion": meta.resource_version,
            },
            "status": msgspec.to_builtins(status),
        }
        return await self._transport.send(
            "PUT", kind.path(meta.namespace, meta.name, "status"), body
        )

    async def write_ledger(self, manifest: Manifest) -> str:
        """Replace exactly this version of a ledger, or create it if the manifest has no version.

        Return the new resource version. Raises ConflictError when another writer was first,
        NotFoundError when it was deleted.
        """
        meta = manifest["metadata"]
        if "resourceVersion" in meta:
            path = LEDGERS.path(meta["namespace"], meta["name"])
            answer = await self._transport.send("PUT", path, manifest)
        else:
            path = LEDGERS.path(meta["namespace"])
            answer = await self._transport.send("POST", path, manifest)
        return decode(answer, _Versioned).metadata.resource_version


def _watch_event(line: bytes) -> _WatchEvent:
    """Split a watch event. Raises ApiError."""
    try:
        return decode(line, _WatchEvent)
    except ApiError:
        parts = shallow.members(line)  # its object may nest too deeply
        if not parts.keys() >= {"type", "object"}:
            raise
        return _WatchEvent(shallow.text_of(parts["type"]), msgspec.Raw(parts["object"]))


@asynccontextmanager
async def connect(
    fence: Fence | None = None,
    metrics: Metrics | None = None,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Cluster]:
    """Connect to the cluster that we run in, or else to KUBECONFIG's; outages are logged."""
    trouble = Trouble(log, "the API server fails, will retry", "the API server responds again")
    async with connect_transport(fence, metrics, trouble, environment) as transport:
        yield Cluster(transport)
