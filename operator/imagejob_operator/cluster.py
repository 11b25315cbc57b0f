"""All that we ask of the API server ourselves; kopf's watches bring the news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec

from .domain.manifests import WORKER_SELECTOR, Manifest
from .domain.mirror import HasMetadata
from .domain.model import (
    GROUP,
    VERSION,
    ImageJob,
    ImageJobStatus,
    ImageProfile,
    ImageStore,
    ObjectMeta,
)
from .domain.worker import Pod, WorkerJob
from .transport import ConflictError, Fence, NotFoundError, Transport, decode
from .transport import connect as connect_transport

UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
PAGE = 500

T = TypeVar("T", bound=HasMetadata)


class Kind(msgspec.Struct, Generic[T], frozen=True):
    """Where the objects of one kind are, and what they are read as."""

    type: type[T]
    api: str
    plural: str
    selector: tuple[tuple[str, str], ...] = ()

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, of an object, or of a subresource of one."""
        parts = [self.api, f"namespaces/{namespace}" if namespace else "", self.plural]
        return "/".join(part for part in (*parts, name, subresource) if part)


_OURS = f"/apis/{GROUP}/{VERSION}"
IMAGE_JOBS = Kind(ImageJob, _OURS, "imagejobs", (("fieldSelector", UNFINISHED),))
IMAGE_PROFILES = Kind(ImageProfile, _OURS, "imageprofiles")
IMAGE_STORES = Kind(ImageStore, _OURS, "imagestores")
WORKER_JOBS = Kind(WorkerJob, "/apis/batch/v1", "jobs", (("labelSelector", WORKER_SELECTOR),))
PODS = Kind(Pod, "/api/v1", "pods", (("labelSelector", WORKER_SELECTOR),))


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
    """The API server, as far as the operator needs it. Every method may raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

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
                return Snapshot(int(page.metadata.resource_version), items)

    async def read(self, kind: Kind[T], namespace: str, name: str) -> T | None:
        """One object, or None."""
        try:
            data = await self._transport.send("GET", kind.path(namespace, name))
        except NotFoundError:
            return None
        return decode(data, kind.type)

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

    async def write_status(self, job: ImageJob, status: ImageJobStatus) -> ImageJob:
        """Replace the status of that very version of the ImageJob.

        Raises ConflictError when it has changed since, NotFoundError when it is gone.
        """
        patch = [
            # Setting the resource version makes the server compare it: a UID would protect nothing.
            {
                "op": "replace",
                "path": "/metadata/resourceVersion",
                "value": job.metadata.resource_version,
            },
            {"op": "add", "path": "/status", "value": msgspec.to_builtins(status)},
        ]
        path = IMAGE_JOBS.path(job.metadata.namespace, job.metadata.name, "status")
        return decode(await self._transport.send("PATCH", path, patch), ImageJob)

    async def post_event(self, event: Manifest) -> None:
        """One that is there already was posted before a crash."""
        path = f"/apis/events.k8s.io/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self._transport.send("POST", path, event)
        except ConflictError:
            return


@asynccontextmanager
async def connect(fence: Fence | None = None) -> AsyncIterator[Cluster]:
    """To the cluster that we run in, else to the one of KUBECONFIG."""
    async with connect_transport(fence) as transport:
        yield Cluster(transport)
