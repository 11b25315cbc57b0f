"""Reading the cluster's objects into the picture, all at once or a namespace's."""

from __future__ import annotations

import logging
from typing import Any

from .cluster import Cluster, Snapshot
from .domain.mirror import Mirror
from .domain.model import ImageJob
from .domain.picture import Picture
from .domain.subjects import Thing
from .domain.worker import WorkerJob
from .kinds import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    IMAGE_STORES,
    PODS,
    WORKER_JOBS,
    Kind,
)

log = logging.getLogger(__name__)


class Listing:
    """Replaces what the picture has by what the API server says. Methods may raise ApiError.

    Workers are read before ImageJobs: an unfinished ImageJob is older than its worker, so none that
    a listed worker carries can be missing from the later list, and none looks like an orphan.
    """

    def __init__(self, cluster: Cluster, picture: Picture) -> None:
        self._cluster = cluster
        self._picture = picture
        self._listed_at = 0

    async def everything(self) -> None:
        """All that the operator watches, in every namespace."""
        picture, before = self._picture, self._listed_at
        await self._take(picture.stores, IMAGE_STORES)
        await self._take(picture.profiles, IMAGE_PROFILES)
        await self._take(picture.quotas, IMAGE_QUOTAS)
        await self._take(picture.workers, WORKER_JOBS)
        await self._take(picture.pods, PODS)
        self._listed_at = (await self._take(picture.jobs, IMAGE_JOBS)).version
        for mirror in picture.mirrors():
            mirror.forget_left(before)  # no message is as late as the list before this one

    async def work_of(self, namespace: str) -> None:
        """A namespace's workers, their pods and its unfinished ImageJobs, in that order."""
        await self._take(self._picture.workers, WORKER_JOBS, namespace)
        await self._take(self._picture.pods, PODS, namespace)
        await self._take(self._picture.jobs, IMAGE_JOBS, namespace)

    async def all_image_jobs(self, namespace: str) -> list[ImageJob]:
        """The finished ones too."""
        return (await self._cluster.list_all(IMAGE_JOBS, namespace, selected=False)).items

    def worker_of(self, job: ImageJob) -> WorkerJob | None:
        """The worker that carries an unfinished ImageJob, as far as was listed."""
        situation = self._picture.situation(job.metadata.uid)
        return situation.worker.job if situation and situation.worker else None

    async def _take(
        self, mirror: Mirror[Any, Any], kind: Kind[Any], namespace: str = ""
    ) -> Snapshot[Any]:
        snapshot = await self._cluster.list_all(kind, namespace)
        for thing in snapshot.items:
            self._picture.see(thing)
        for thing in mirror.absent_from(snapshot.items, snapshot.version):
            if namespace in ("", thing.metadata.namespace):
                self.lose(thing)
        return snapshot

    def lose(self, thing: Thing) -> None:
        """An object has left our view.

        An ImageJob leaves it by finishing as well as by deletion. Unless our own write explains it,
        we ask the API server which it was.
        """
        if isinstance(thing, ImageJob):
            self._picture.suspect(thing.metadata.uid)
        else:
            self._picture.lose(thing)
