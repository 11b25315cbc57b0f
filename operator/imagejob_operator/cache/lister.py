"""Puts objects into the cache: from lists, and from watches."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.kube.client import Change, Cluster
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.reader import Unreadable
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
from imagejob_operator.observability.logging import about

from .cluster_cache import ClusterCache
from .reconcile_key import Key, WatchedObject, as_of, key

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

    async def all_image_jobs(self, namespace: str = "") -> AsyncIterator[ImageJob | Unreadable]:
        """Yield all ImageJobs, in every namespace or in one, including finished ones."""
        async for page in self._cluster.pages(IMAGE_JOBS, namespace, selected=False):
            for job in page.items:
                yield job
            for unreadable in page.unreadable:
                yield unreadable

    def worker_of(self, job: ImageJob) -> WorkerJob | None:
        """Return the worker of an unfinished ImageJob, as far as was listed.

        The ImageJob itself may exceed the memory budget of its namespace.
        """
        known = self._cache.jobs.get(job.metadata.uid) or job
        worker = self._cache.worker_index.carrier(known)
        return worker.job if worker else None

    async def take(
        self, kind: Kind[Any], namespace: str = "", heard: Callable[[], None] = lambda: None
    ) -> int:
        """List a kind, in every namespace or in one; return the list's version.

        `heard` is called for each object. Objects that the list doesn't contain are removed.
        """
        uids: set[str] = set()
        unreadable: set[Key] = set()
        known, version = self._cache.unreadable, 0
        self._cache.budget.begin_list(kind.type.__name__, namespace)
        async for page in self._cluster.pages(kind, namespace):
            version = page.version
            uids.update(thing.metadata.uid for thing in page.items)
            unreadable.update((each.namespace, each.name) for each in page.unreadable)
            for thing in (*page.items, *page.unreadable):
                heard()
                self._upsert(kind, thing)
            unreadable.update(at for at in map(key, page.items) if known.get(kind.plural, *at))
            self._changed()
        for thing in self._cache.store_of(kind.plural).absent_from(uids, version):
            if namespace in ("", thing.metadata.namespace) and key(thing) not in unreadable:
                self._remove(kind, thing)
        for each in known.absent_from(kind.plural, namespace, unreadable, version):
            known.drop(kind.plural, each.namespace, each.name)
        self._cache.budget.end_list(kind.type.__name__, namespace)
        self._changed()
        return version

    def hear(self, kind: Kind[Any], change: Change[Any]) -> None:
        """Apply a watch event."""
        thing = change.thing
        if thing is not None and change.type != "DELETED":
            self._upsert(kind, thing)
        elif isinstance(thing, Unreadable):
            self._cache.unreadable.drop(kind.plural, thing.namespace, thing.name)
            known = self._known(kind, thing)
            if known is not None:
                self._remove(kind, known)
        elif thing is not None:
            self._remove(kind, thing)
        self._changed()

    def _upsert(self, kind: Kind[Any], thing: WatchedObject | Unreadable) -> None:
        try:
            self._cache.upsert(thing)
        except Exception as error:
            if isinstance(thing, Unreadable):
                raise
            log.exception("cannot use an object", extra=about(thing.metadata))
            self._cache.hold(self._cluster.reader.refuse(kind, thing, error))

    def _known(self, kind: Kind[Any], gone: Unreadable) -> WatchedObject | None:
        """Return the last known state of an object that can't be read any more, as of its deletion.

        How the containers of a pod ended was not observed.
        """
        store = self._cache.store_of(kind.plural)
        at = gone.uid if kind is IMAGE_JOBS else (gone.namespace, gone.name)
        known: WatchedObject | None = store.get(at)
        if not known or known.metadata.uid != gone.uid:
            return None
        known = as_of(known, gone.version)
        return known.unseen() if isinstance(known, Pod) else known

    def _remove(self, kind: Kind[Any], thing: WatchedObject) -> None:
        """Remove an object that left the list or watch.

        An ImageJob leaves it by finishing as well as by deletion. Unless our own write explains it,
        the API server is asked which it was.
        """
        self._cache.unreadable.drop(kind.plural, *key(thing))
        if isinstance(thing, ImageJob):
            self._cache.mark_unverified(thing.metadata.uid)
        else:
            self._cache.remove(thing)
