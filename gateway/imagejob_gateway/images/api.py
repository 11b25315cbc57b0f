"""Requests about single ImageJobs. Every method raises ProblemError."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from imagejob_operator.kube.errors import ApiError, ConflictError, NotFoundError
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import Kind
from imagejob_operator.kube.transport import TIMEOUT_SECONDS
from imagejob_operator.observability.logging import fields

from imagejob_gateway.problem import ProblemError, ProblemReason

from .kinds import IMAGES, LISTED, UPLOAD_LABEL, Image
from .manifest import NewImage, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_operator.kube.client import Cluster
    from imagejob_operator.kube.transport import Transport

    from .cache import NamespaceCache

log = logging.getLogger(__name__)


class ImagesApi:
    """ImageJobs of one namespace."""

    def __init__(
        self, transport: Transport, cluster: Cluster, cache: NamespaceCache, namespace: str
    ) -> None:
        self._transport = transport
        self._cluster = cluster
        self._cache = cache
        self._namespace = namespace

    async def create(self, new: NewImage, seconds: float = TIMEOUT_SECONDS) -> Image | None:
        """Create the ImageJob of an upload; return None if its name is taken."""
        path, body = IMAGES.path(self._namespace), manifest(new, self._namespace)
        with _as_problem():
            try:
                answer = await self._transport.send("POST", path, body, seconds=seconds)
            except ConflictError:
                return None
            image = self._cluster.reader.read(IMAGES, answer)
            if isinstance(image, Unreadable):
                raise ApiError(0, f"the ImageJob that was created can't be read: {image.why}")
        self._cache.put(msgspec.json.decode(answer, type=LISTED.type))
        return image

    async def read(self, name: str) -> Image | None:
        """Return the ImageJob as it is now; None if there is none.

        One that can't be read is none, as in the cache: nobody can be known to own it.
        """
        with _as_problem():
            image = await self._cluster.read(IMAGES, self._namespace, name)
        return None if isinstance(image, Unreadable) else image

    async def of_upload(self, upload: str) -> Image | None:
        """Return the ImageJob that an attempt to upload has created, as it is now."""
        label = (("labelSelector", f"{UPLOAD_LABEL}={upload}"),)
        kind = Kind(Image, IMAGES.api, IMAGES.plural, label)
        with _as_problem():
            async for page in self._cluster.pages(kind, self._namespace):
                for unreadable in page.unreadable:
                    raise ApiError(0, str(unreadable))
                for image in page.items:
                    return image
        return None

    async def delete(self, name: str, uid: str = "") -> bool:
        """Delete the ImageJob, only that one if a UID is given; return whether it was there."""
        options: dict[str, object] = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        with _as_problem():
            try:
                await self._transport.send("DELETE", IMAGES.path(self._namespace, name), options)
            except NotFoundError:
                return False
        return True


@contextmanager
def _as_problem() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status == 422:
            raise ProblemError(ProblemReason.INVALID_SPEC, error.message) from error
        log.warning(
            "a request to the API server failed: %s", error, extra=fields(status=error.status)
        )
        raise ProblemError(
            ProblemReason.API_SERVER_UNAVAILABLE, "The API server can't be used now. Try again."
        ) from error
