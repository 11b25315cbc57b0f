"""Puts objects into the cache: from lists, and from watches."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.kube.client import Change, Cluster
from imagejob_operator.kube.object_store import ObjectStore
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

from .cluster_cache import ClusterCache
from .reconcile_key import WatchedObject

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
worker has can be missing from the later list, and none looks like an orphan."""


class Lister:
    """Replaces the cache's content by the API server's. Methods may raise ApiError.

    A page goes into the cache as soon as it is read: a list is never in memory as a whole.
    `changed` is called whenever keys may have been enqueued.
    """

    def __init__(self, cluster: Cluster, cache: ClusterCache, changed: Callable[[], None]) -> None:
        self._cluster = cluster
        self._cache = cache
        self._changed = changed
        self._listed_at = 0
        self._stores: dict[str, ObjectStore[Any, Any]] = {
            IMAGE_STORES.plural: cache.stores,
            IMAGE_PROFILES.plural: cache.profiles,
            IMAGE_QUOTAS.plural: cache.quotas,
            WORKER_JOBS.plural: cache.workers,
            PODS.plural: cache.pods,
            IMAGE_JOBS.plural: cache.jobs,
        }

    async def everything(self) -> None:
        """List everything that the operator watches, in every namespace."""
        before = self._listed_at
        for kind in WATCHED:
            self._listed_at = await self.take(kind)
        for store in self._cache.stores_by_kind():
            store.forget_left(before)  # no message is older than the list before this one

    async def work_of(self, namespace: str) -> None:
        """List a namespace's workers, their pods and its unfinished ImageJobs, in that order."""
        for kind in (WORKER_JOBS, PODS, IMAGE_JOBS):
            await self.take(kind, namespace)

    async def all_image_jobs(self, namespace: str = "") -> AsyncIterator[ImageJob]:
        """Yield all ImageJobs, in every namespace or in one, including finished ones."""
        async for page in self._cluster.pages(IMAGE_JOBS, namespace, selected=False):
            for job in page.items:
                yield job

    def worker_of(self, job: ImageJob) -> WorkerJob | None:
        """Return the worker of an unfinished ImageJob, as far as was listed."""
        known = self._cache.jobs.get(job.metadata.uid)
        worker = self._cache.worker_index.carrier(known) if known else None
        return worker.job if worker else None

    async def take(
        self, kind: Kind[Any], namespace: str = "", heard: Callable[[], None] = lambda: None
    ) -> int:
        """List a kind, in every namespace or in one; return the list's version.

        `heard` is called for each object. Objects that the list doesn't contain are removed.
        """
        uids: set[str] = set()
        version = 0
        self._cache.budget.begin_list(kind.type.__name__, namespace)
        async for page in self._cluster.pages(kind, namespace):
            version = page.version
            uids.update(page.uids)
            for thing in page.items:
                heard()
                self._cache.upsert(thing)
            self._changed()
        for thing in self._stores[kind.plural].absent_from(uids, version):
            if namespace in ("", thing.metadata.namespace):
                self._remove(thing)
        self._changed()
        return version

    def hear(self, kind: Kind[Any], change: Change[Any]) -> None:
        """Apply a watch event."""
        if change.type != "DELETED":
            if change.thing is not None:
                self._cache.upsert(change.thing)
        else:
            thing = change.thing or self._known(kind, change)
            if thing is not None:
                self._remove(thing)
        self._changed()

    def _known(self, kind: Kind[Any], change: Change[Any]) -> WatchedObject | None:
        """Return the last known state of an object that can't be decoded any more, as of its
        deletion."""
        for thing in self._stores[kind.plural]:
            if thing.metadata.uid == change.uid:
                meta = msgspec.structs.replace(thing.metadata, resource_version=change.version)
                gone: WatchedObject = msgspec.structs.replace(thing, metadata=meta)
                return gone
        return None

    def _remove(self, thing: WatchedObject) -> None:
        """Remove an object that left the list or watch.

        An ImageJob leaves it by finishing as well as by deletion. Unless our own write explains it,
        the API server is asked which it was.
        """
        if isinstance(thing, ImageJob):
            self._cache.mark_unverified(thing.metadata.uid)
        else:
            self._cache.remove(thing)
