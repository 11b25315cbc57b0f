"""Reports namespaces that exceed their memory budget, and lists omitted objects again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from imagejob_operator.api.meta import Manifest, ObjectMeta
from imagejob_operator.api.quantity import describe_bytes
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.memory_budget import LeftOut
from imagejob_operator.cache.reconcile_key import QuotaStatusKey
from imagejob_operator.kube import records
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.kube.resources import IMAGE_JOBS, IMAGE_PROFILES, IMAGE_STORES, Kind
from imagejob_operator.observability.logging import fields
from imagejob_operator.quota.status import CACHE_FULL, full
from imagejob_operator.workqueue.queue import WorkQueue

from .containment import contained

log = logging.getLogger(__name__)

LOOK = timedelta(seconds=5)

LIST = timedelta(seconds=15)
"""The minimum time between two lists of a namespace, which may be long."""

TELL = timedelta(minutes=5)
"""The minimum time between two Events in a namespace."""

KINDS: dict[str, Kind[Any]] = {
    "ImageJob": IMAGE_JOBS,
    "ImageProfile": IMAGE_PROFILES,
    "ImageStore": IMAGE_STORES,
}


class CacheFullReporter:
    """Reports full namespaces. `wake` is called when keys were added to the queue."""

    def __init__(
        self,
        cluster: Cluster,
        lister: Lister,
        cache: ClusterCache,
        queue: WorkQueue,
        *,
        instance: str,
        clock: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._lister = lister
        self._cache = cache
        self._queue = queue
        self._instance = instance
        self._limit = cache.budget.limit or 0  # without a limit nothing is omitted
        self._clock = clock
        self._wake = wake
        self._full: set[str] = set()
        self._posted: dict[str, datetime] = {}
        self._listed: dict[str, datetime] = {}

    async def look_after(self) -> None:
        """Check the budget periodically until cancelled."""
        while True:
            await asyncio.sleep(LOOK.total_seconds())
            try:
                await self.look()
            except ApiError as error:
                if not error.is_outage:
                    log.warning("cannot check full namespaces, will retry: %s", error)

    async def look(self) -> None:
        """Check once. Raises ApiError."""
        self._note()
        for namespace in self._cache.budget.full():
            with contained(self._cluster.metrics, "cache", fields(namespace=namespace)):
                await self._tell(namespace)
                await self._fill(namespace)
        self._note()

    def _note(self) -> None:
        """Log namespaces that became full or have room again, and enqueue their ImageQuotas.

        Where there is room again, what is missing is known to be missing: all is decided again.
        """
        full = set(self._cache.budget.full())
        for namespace in full ^ self._full:
            if namespace in full:
                log.warning(
                    "the namespace exceeds cache.bytesPerNamespace (%s): some of its objects wait",
                    describe_bytes(self._limit),
                    extra=fields(namespace=namespace),
                )
            else:
                log.info(
                    "the namespace no longer exceeds cache.bytesPerNamespace",
                    extra=fields(namespace=namespace),
                )
                self._cache.enqueue_all_in(namespace)
            self._queue.add(QuotaStatusKey(namespace))
        if full != self._full:
            self._wake()
        self._full = full

    async def _tell(self, namespace: str) -> None:
        left_out, now = self._cache.budget.left_out(namespace), self._clock()
        if not left_out or now < self._posted.get(namespace, now):
            return
        self._posted = {each: at for each, at in self._posted.items() if at > now}
        self._posted[namespace] = now + TELL
        try:
            await self._cluster.events.post(event(left_out, self._limit, now, self._instance))
        except ApiError as error:  # logged, not retried
            log.warning(
                "cannot post an Event: %s",
                error,
                extra=fields(namespace=namespace, name=left_out.name, uid=left_out.uid),
            )

    async def _fill(self, namespace: str) -> None:
        kinds, now = self._cache.budget.has_room_again(namespace), self._clock()
        if not kinds or now < self._listed.get(namespace, now):
            return
        self._listed = {each: at for each, at in self._listed.items() if at > now}
        self._listed[namespace] = now + LIST
        for kind in kinds:
            await self._lister.take(KINDS[kind], namespace)


def event(left_out: LeftOut, limit: int, now: datetime, instance: str) -> Manifest:
    """Build the Event about a waiting object for its owner. `limit`: bytes per namespace."""
    about = ObjectMeta(left_out.name, left_out.namespace, left_out.uid)
    made = records.build_event(
        about,
        left_out.kind,
        instance,
        at=now,
        note=f"this {left_out.kind} waits: {full(limit)}",
        type="Warning",
        reason=CACHE_FULL,
        action="Waiting",
    )
    made["metadata"]["generateName"] = f"{left_out.uid}-cache-full-"
    return made
