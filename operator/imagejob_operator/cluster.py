"""The only module that talks to the API server for what we read and write ourselves.

kopf's watches bring the news; everything else goes through here.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import aiohttp
import msgspec
from kubernetes.aio import client, config

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

UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
PAGE = 500
TIMEOUT_SECONDS = 30.0

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


class ApiError(Exception):
    """The API server said no, or nothing. `status` is of HTTP; 0 when it can't be reached."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message

    @property
    def is_refusal(self) -> bool:
        """Whether the request itself is what the server won't have: it understood, and said no."""
        return self.status in (400, 403, 404, 409, 413, 422)


class ConflictError(ApiError):
    """409: somebody else was there first. Read again and decide again."""


class NotFoundError(ApiError):
    """404: there is no such object."""


_ERRORS: dict[int, type[ApiError]] = {404: NotFoundError, 409: ConflictError}


class Cluster:
    """The API server, as far as the operator needs it. Every method may raise ApiError."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    async def list_all(self, kind: Kind[T]) -> Snapshot[T]:
        """Every object of the kind in every namespace, read in pages from one resource version."""
        items: list[T] = []
        more = ""
        while True:
            query = [*kind.selector, ("limit", str(PAGE)), *([("continue", more)] if more else [])]
            data = await self._send("GET", kind.path(), query=query)
            page = _decode(data, Page[kind.type])  # type: ignore[name-defined]
            items.extend(page.items)
            more = page.metadata.continue_
            if not more:
                return Snapshot(int(page.metadata.resource_version), items)

    async def read(self, kind: Kind[T], namespace: str, name: str) -> T | None:
        """One object, or None."""
        try:
            data = await self._send("GET", kind.path(namespace, name))
        except NotFoundError:
            return None
        return _decode(data, kind.type)

    async def create_worker(self, manifest: Manifest) -> WorkerJob:
        """Raises ConflictError where a Job of that name exists."""
        path = WORKER_JOBS.path(manifest["metadata"]["namespace"])
        return _decode(await self._send("POST", path, manifest), WorkerJob)

    async def delete_worker(self, worker: ObjectMeta) -> None:
        """Delete that very Job, not a successor of its name; none is as good as deleted."""
        options = {"preconditions": {"uid": worker.uid}, "propagationPolicy": "Background"}
        try:
            await self._send("DELETE", WORKER_JOBS.path(worker.namespace, worker.name), options)
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
        return _decode(await self._send("PATCH", path, patch), ImageJob)

    async def post_event(self, event: Manifest) -> None:
        """One that is there already was posted before a crash."""
        path = f"/apis/events.k8s.io/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self._send("POST", path, event)
        except ConflictError:
            return

    async def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: list[tuple[str, str]] | None = None,
    ) -> bytes:
        content = "application/json-patch+json" if method == "PATCH" else "application/json"
        prepared = await self._api.param_serialize(
            method,
            path,
            query_params=query or [],
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = await self._api.call_api(*prepared, _request_timeout=TIMEOUT_SECONDS)
            data: bytes = await response.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, f"the API server can't be reached: {error!r}") from error
        if response.status >= 300:
            raise _ERRORS.get(response.status, ApiError)(response.status, _message(data))
        return data


D = TypeVar("D")


def _decode(data: bytes, kind: type[D]) -> D:
    """What the server answered; ApiError if it was no server of ours, such as a proxy's page."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise ApiError(0, f"the API server's answer can't be read: {error}") from error


def _message(data: bytes) -> str:
    """What a Status object says, or the text as it came."""
    try:
        return msgspec.json.decode(data, type=_Status).message
    except msgspec.DecodeError:
        return data[:200].decode(errors="replace")


class _Status(msgspec.Struct):
    message: str = ""


@asynccontextmanager
async def connect() -> AsyncIterator[Cluster]:
    """To the cluster that we run in, else to the one of KUBECONFIG."""
    configuration = client.Configuration()
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.connection_pool_maxsize = 64
    async with client.ApiClient(configuration) as api:
        yield Cluster(api)
