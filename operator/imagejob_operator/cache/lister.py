"""The cluster's objects, on their way into the picture: from lists, and from watches."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.kube.client import Change, Cluster
from imagejob_operator.kube.object_store import Mirror
from imagejob_operator.kube.resources import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    IMAGE_STORES,
    PODS,
    WORKER_JOBS,
    Kind,
)
from imagejob_operator.kube.worker import WorkerJob

from .cluster_cache import Picture
from .reconcile_key import Thing

log = logging.getLogger(__name__)

WATCHED: tuple[Kind[Any], ...] = (
    IMAGE_STORES,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    WORKER_JOBS,
    PODS,
    IMAGE_JOBS,
)
"""Workers before ImageJobs: an unfinished ImageJob is older than its worker, so none that a listed
worker carries can be missing from the later list, and none looks like an orphan."""


class Listing:
    """Replaces what the picture has by what the API server says. Methods may raise ApiError.

    A page goes into the picture as soon as it is read: a list is never in memory as a whole.
    `changed` is told whenever there may be something to look at.
    """

    def __init__(self, cluster: Cluster, picture: Picture, changed: Callable[[], None]) -> None:
        self._cluster = cluster
        self._picture = picture
        self._changed = changed
        self._listed_at = 0
        self._mirrors: dict[str, Mirror[Any, Any]] = {
            IMAGE_STORES.plural: picture.stores,
            IMAGE_PROFILES.plural: picture.profiles,
            IMAGE_QUOTAS.plural: picture.quotas,
            WORKER_JOBS.plural: picture.workers,
            PODS.plural: picture.pods,
            IMAGE_JOBS.plural: picture.jobs,
        }

    async def everything(self) -> None:
        """All that the operator watches, in every namespace."""
        before = self._listed_at
        for kind in WATCHED:
            self._listed_at = await self.take(kind)
        for mirror in self._picture.mirrors():
            mirror.forget_left(before)  # no message is as late as the list before this one

    async def work_of(self, namespace: str) -> None:
        """A namespace's workers, their pods and its unfinished ImageJobs, in that order."""
        for kind in (WORKER_JOBS, PODS, IMAGE_JOBS):
            await self.take(kind, namespace)

    async def all_image_jobs(self, namespace: str) -> AsyncIterator[ImageJob]:
        """The finished ones too."""
        async for page in self._cluster.pages(IMAGE_JOBS, namespace, selected=False):
            for job in page.items:
                yield job

    def worker_of(self, job: ImageJob) -> WorkerJob | None:
        """The worker that carries an unfinished ImageJob, as far as was listed."""
        known = self._picture.jobs.get(job.metadata.uid)
        worker = self._picture.carrier(known) if known else None
        return worker.job if worker else None

    async def take(
        self, kind: Kind[Any], namespace: str = "", heard: Callable[[], None] = lambda: None
    ) -> int:
        """List a kind, in every namespace or in one; gives the version that the list is of.

        `heard` is called for each object. What the list doesn't name is gone.
        """
        uids: set[str] = set()
        version = 0
        self._picture.room.begin_list(kind.type.__name__, namespace)
        async for page in self._cluster.pages(kind, namespace):
            version = page.version
            uids.update(page.uids)
            for thing in page.items:
                heard()
                self._picture.see(thing)
            self._changed()
        for thing in self._mirrors[kind.plural].absent_from(uids, version):
            if namespace in ("", thing.metadata.namespace):
                self._lose(thing)
        self._changed()
        return version

    def hear(self, kind: Kind[Any], change: Change[Any]) -> None:
        """A watch has brought something."""
        if change.type != "DELETED":
            if change.thing is not None:
                self._picture.see(change.thing)
        else:
            thing = change.thing or self._known(kind, change)
            if thing is not None:
                self._lose(thing)
        self._changed()

    def _known(self, kind: Kind[Any], change: Change[Any]) -> Thing | None:
        """What an object was that can't be read any more, as of its deletion."""
        for thing in self._mirrors[kind.plural]:
            if thing.metadata.uid == change.uid:
                meta = msgspec.structs.replace(thing.metadata, resource_version=change.version)
                gone: Thing = msgspec.structs.replace(thing, metadata=meta)
                return gone
        return None

    def _lose(self, thing: Thing) -> None:
        """An object has left our view.

        An ImageJob leaves it by finishing as well as by deletion. Unless our own write explains it,
        we ask the API server which it was.
        """
        if isinstance(thing, ImageJob):
            self._picture.suspect(thing.metadata.uid)
        else:
            self._picture.lose(thing)
