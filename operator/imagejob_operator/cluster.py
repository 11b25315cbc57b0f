"""All that we ask of the API server ourselves; kopf's watches bring the news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import msgspec

from .domain.manifests import Manifest
from .domain.mirror import HasMetadata
from .domain.model import API_VERSION, ImageJob, ImageJobStatus, ObjectMeta, Resource
from .domain.quota_model import ImageQuota, ImageQuotaStatus
from .domain.worker import WorkerJob
from .kinds import (
    FINISHED_WITH_TTL,
    IMAGE_JOBS,
    IMAGE_QUOTAS,
    LEDGERS,
    PODS,
    WORKER_JOBS,
    ConfigMap,
    Kind,
    Occurrence,
)
from .metrics import Metrics
from .transport import ConflictError, Fence, NotFoundError, Transport, decode
from .transport import connect as connect_transport

PAGE = 500

WARNINGS = 100
"""About one object. Kubernetes counts repetitions in one Event, so honest ones are a few."""

T = TypeVar("T", bound=HasMetadata)


class ListMeta(msgspec.Struct, rename="camel"):
    """Where a list was read, and where its next page begins."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, Generic[T]):
    """One page of a list."""

    metadata: ListMeta
    items: list[T]


class Snapshot(msgspec.Struct, Generic[T]):
    """All objects of a kind as of one resource version."""

    version: int
    items: list[T]


class Cluster:
    """The API server, as far as the operator needs it. Every method may raise ApiError.

    `pace` is how many requests at once it takes well, `metrics` what counts them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.pace = transport.pace
        self.metrics = transport.metrics

    async def list_all(
        self, kind: Kind[T], namespace: str = "", *, selected: bool = True
    ) -> Snapshot[T]:
        """Every object of the kind, in every namespace or in one, as of one resource version.

        `selected` is false to have those too that the kind's selector leaves out.
        """
        items: list[T] = []
        more = ""
        while True:
            selector = kind.selector if selected else ()
            query = [*selector, ("limit", str(PAGE)), *([("continue", more)] if more else [])]
            data = await self._transport.send("GET", kind.path(namespace), query=query)
            page = decode(data, Page[kind.type])  # type: ignore[name-defined]
            items.extend(page.items)
            more = page.metadata.continue_
            if not more:
                self.metrics.listed(kind.plural)
                return Snapshot(int(page.metadata.resource_version), items)

    async def read(self, kind: Kind[T], namespace: str, name: str) -> T | None:
        """One object, or None."""
        try:
            data = await self._transport.send("GET", kind.path(namespace, name))
        except NotFoundError:
            return None
        return decode(data, kind.type)

    async def finished_with_ttl(self, page_size: int = PAGE) -> AsyncIterator[list[ImageJob]]:
        """All finished ImageJobs that are to be deleted one day, a page at a time."""
        more = ""
        while True:
            query = [("fieldSelector", FINISHED_WITH_TTL), ("limit", str(page_size))]
            query += [("continue", more)] if more else []
            data = await self._transport.send("GET", IMAGE_JOBS.path(), query=query)
            page = decode(data, Page[ImageJob])
            yield page.items
            more = page.metadata.continue_
            if not more:
                return

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
        options = {"preconditions": {"uid": worker.uid}, "propagationPolicy": "Background"}
        try:
            await self._transport.send(
                "DELETE", WORKER_JOBS.path(worker.namespace, worker.name), options
            )
        except (NotFoundError, ConflictError):
            return

    async def delete_pod(self, pod: ObjectMeta) -> None:
        """Delete that very pod, not a successor of its name; none is as good as deleted."""
        options = {"preconditions": {"uid": pod.uid}}
        try:
            await self._transport.send("DELETE", PODS.path(pod.namespace, pod.name), options)
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
        path = f"/api/v1/namespaces/{thing.namespace}/events"
        query = [("fieldSelector", selector), ("limit", str(WARNINGS))]
        data = await self._transport.send("GET", path, query=query)
        found = sorted(
            decode(data, Page[Occurrence]).items,
            key=lambda each: int(each.metadata.resource_version),
        )
        return [each.message for each in found]

    async def post_event(self, event: Manifest) -> None:
        """One that is there already was posted before a crash."""
        path = f"/apis/events.k8s.io/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self._transport.send("POST", path, event)
        except ConflictError:
            return


@asynccontextmanager
async def connect(
    fence: Fence | None = None, metrics: Metrics | None = None
) -> AsyncIterator[Cluster]:
    """To the cluster that we run in, else to the one of KUBECONFIG."""
    async with connect_transport(fence, metrics) as transport:
        yield Cluster(transport)
