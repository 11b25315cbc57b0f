"""All that we ask of the API server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Generic, TypeVar

import msgspec

from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaStatus
from imagejob_operator.api.meta import API_VERSION, Manifest, ObjectMeta, Resource
from imagejob_operator.observability.metrics import Metrics

from . import records
from .object_store import HasMetadata
from .pager import FIRST, Page, Pager, identify
from .resources import (
    EVENTS,
    FINISHED_WITH_TTL,
    IMAGE_JOBS,
    IMAGE_QUOTAS,
    LEDGERS,
    PODS,
    WORKER_JOBS,
    ConfigMap,
    Kind,
)
from .transport import (
    ApiError,
    ConflictError,
    ExpiredError,
    Fence,
    NotFoundError,
    Transport,
    decode,
)
from .transport import connect as connect_transport
from .worker import WorkerJob

WARNINGS = 100
"""About one object. Kubernetes counts repetitions in one Event, so honest ones are a few."""

MESSAGE = 1024
"""Characters of such a warning, which is as many as events.k8s.io takes."""

SLACK = 15.0
"""Seconds that a watch may last beyond what was asked for."""

T = TypeVar("T", bound=HasMetadata)


class Change(msgspec.Struct, Generic[T], frozen=True):
    """What a watch brings: ADDED, MODIFIED, DELETED, or BOOKMARK, which is about no object.

    `thing` is None where the object can't be read. `version` is what the watch has come to.
    """

    type: str
    version: str
    uid: str = ""
    thing: T | None = None


class _WatchEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Failure(msgspec.Struct):
    """A Status."""

    code: int = 0
    message: str = ""


class Cluster:
    """The API server, as far as the operator needs it. Every method may raise ApiError.

    `pace` is how many requests at once it takes well, `metrics` what counts them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._pager = Pager(transport)
        self.limiter = transport.limiter
        self.metrics = transport.metrics

    async def pages(
        self, kind: Kind[T], namespace: str = "", *, selected: bool = True
    ) -> AsyncIterator[Page[T]]:
        """Every object of the kind, in every namespace or in one, as of one resource version.

        `selected` is false to have those too that the kind's selector leaves out.
        """
        async for page in self._pager.pages(kind, namespace, kind.selector if selected else ()):
            yield page
        self.metrics.listed(kind.plural)

    @asynccontextmanager
    async def watch(
        self, kind: Kind[T], version: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Change[T]]]:
        """What changes after that version, for so long. Entered once the watch has begun.

        Raises ExpiredError, at any time, where a list has to come first.
        """
        query = [
            *kind.selector,
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(seconds)),
        ]
        patience = seconds + SLACK  # a connection may die without a word
        async with self._transport.watch(kind.path(), query, patience) as lines:
            yield self._changes(kind, lines)

    async def _changes(
        self, kind: Kind[T], lines: AsyncIterator[bytes]
    ) -> AsyncIterator[Change[T]]:
        async for line in lines:
            event = decode(line, _WatchEvent)
            if event.type == "ERROR":
                failure = decode(event.object, _Failure)
                failed = ExpiredError if failure.code == 410 else ApiError
                raise failed(failure.code, failure.message)
            if event.type == "BOOKMARK":
                yield Change(event.type, identify(event.object).resource_version)
                continue
            thing = self._pager.read(kind, event.object)
            meta = identify(event.object) if thing is None else thing.metadata
            yield Change(event.type, meta.resource_version, meta.uid, thing)

    async def read(self, kind: Kind[T], namespace: str, name: str) -> T | None:
        """One object, or None."""
        try:
            data = await self._transport.send("GET", kind.path(namespace, name))
        except NotFoundError:
            return None
        return decode(data, kind.type)

    async def finished_with_ttl(self, page_size: int = FIRST) -> AsyncIterator[list[ImageJob]]:
        """All finished ImageJobs that are to be deleted one day, a page at a time."""
        selector = (("fieldSelector", FINISHED_WITH_TTL),)
        async for page in self._pager.pages(IMAGE_JOBS, "", selector, page_size):
            yield page.items

    async def delete_image_job(self, job: ObjectMeta) -> bool:
        """Delete that very version of the ImageJob; False if it is gone already.

        Raises ConflictError when it has changed since, or another has its name.
        """
        versions = {"uid": job.uid, "resourceVersion": job.resource_version}
        options = {"preconditions": versions, "propagationPolicy": "Background"}
        try:
            await self._transport.send("DELETE", IMAGE_JOBS.path(job.namespace, job.name), options)
        except NotFoundError:
            return False
        return True

    async def create_worker(self, manifest: Manifest) -> WorkerJob:
        """Raises ConflictError where a Job of that name exists."""
        path = WORKER_JOBS.path(manifest["metadata"]["namespace"])
        return decode(await self._transport.send("POST", path, manifest), WorkerJob)

    async def delete_worker(self, worker: ObjectMeta) -> None:
        """Delete that very Job, not a successor of its name; none is as good as deleted."""
        await self._delete(WORKER_JOBS, worker, propagationPolicy="Background")

    async def delete_pod(self, pod: ObjectMeta) -> None:
        """Delete that very pod, not a successor of its name; none is as good as deleted."""
        await self._delete(PODS, pod)

    async def _delete(self, kind: Kind[Any], meta: ObjectMeta, **options: str) -> None:
        body = {"preconditions": {"uid": meta.uid}, **options}
        try:
            await self._transport.send("DELETE", kind.path(meta.namespace, meta.name), body)
        except (NotFoundError, ConflictError):
            return

    async def write_status(self, job: ImageJob, status: ImageJobStatus) -> ImageJob:
        """Replace the status of that very version of the ImageJob.

        Raises ConflictError when it has changed since, NotFoundError when it is gone.
        """
        return decode(await self._put_status(IMAGE_JOBS, job.metadata, status), ImageJob)

    async def write_quota_status(self, quota: ImageQuota, status: ImageQuotaStatus) -> ImageQuota:
        """As `write_status`, of an ImageQuota."""
        return decode(await self._put_status(IMAGE_QUOTAS, quota.metadata, status), ImageQuota)

    async def _put_status(self, kind: Kind[Any], meta: ObjectMeta, status: Resource) -> bytes:
        """Of anything but the status, the API server keeps what it has."""
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
        """Replace that very version of a ledger, or create it if the manifest names none.

        Gives the new resource version. Raises ConflictError when somebody else was there first,
        NotFoundError when it has been deleted.
        """
        meta = manifest["metadata"]
        if "resourceVersion" in meta:
            path = LEDGERS.path(meta["namespace"], meta["name"])
            answer = await self._transport.send("PUT", path, manifest)
        else:
            path = LEDGERS.path(meta["namespace"])
            answer = await self._transport.send("POST", path, manifest)
        return decode(answer, ConfigMap).metadata.resource_version

    async def warnings_about(self, thing: ObjectMeta) -> list[str]:
        """What the cluster's Events warn of about an object, the newest last.

        Of the first WARNINGS of them: tenants may post Events, too, and as many as they like.
        """
        selector = f"involvedObject.uid={thing.uid},type=Warning"
        found: list[tuple[int, str]] = []
        pages = self._pager.pages(EVENTS, thing.namespace, (("fieldSelector", selector),))
        async with aclosing(pages):
            async for page in pages:
                found += [
                    (int(each.metadata.resource_version), each.message[:MESSAGE])
                    for each in page.items
                ]
                if len(found) >= WARNINGS:
                    break
        return [message for _, message in sorted(found[:WARNINGS])]

    async def post_event(self, event: Manifest) -> None:
        """One that is there already was posted before a crash.

        Unless it is somebody else's, who has the name: then it is posted under another.
        Raises ConflictError where that is taken, too.
        """
        path = f"/apis/events.k8s.io/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self._transport.send("POST", path, event)
        except ConflictError:
            if not await self._is_posted(event):
                await self._transport.send("POST", path, records.renamed(event, os.urandom(16)))

    async def _is_posted(self, event: Manifest) -> bool:
        """Whether what has its name says the same, and is ours. It is listed: we need not `get`."""
        meta = event["metadata"]
        selector = f"metadata.name={meta['name']}"
        said = (event["reportingController"], event["type"], event["reason"], event["note"])
        pages = self._pager.pages(EVENTS, meta["namespace"], (("fieldSelector", selector),))
        async with aclosing(pages):
            async for page in pages:
                for each in page.items:
                    if said == (each.reporting_component, each.type, each.reason, each.message):
                        return True
        return False


@asynccontextmanager
async def connect(
    fence: Fence | None = None, metrics: Metrics | None = None
) -> AsyncIterator[Cluster]:
    """To the cluster that we run in, else to the one of KUBECONFIG."""
    async with connect_transport(fence, metrics) as transport:
        yield Cluster(transport)
