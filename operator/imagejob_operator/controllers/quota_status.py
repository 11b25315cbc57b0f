"""Updates the status of ImageQuotas, at a bounded rate."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaStatus
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import QuotaStatusKey
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import ConflictError, NotFoundError
from imagejob_operator.kube.resources import IMAGE_QUOTAS
from imagejob_operator.quota.status import describe_quota, next_change
from imagejob_operator.workqueue.queue import WorkQueue

from .namespace_registry import NamespaceRegistry

INTERVAL = timedelta(seconds=5)
"""The minimum time between two writes of one ImageQuota."""


class ImageQuotaStatusWriter:
    """At most one status write per ImageQuota and INTERVAL."""

    def __init__(
        self,
        cluster: Cluster,
        cache: ClusterCache,
        queue: WorkQueue,
        registry: NamespaceRegistry,
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._queue = queue
        self._registry = registry
        self._clock = clock
        self._written: dict[str, datetime] = {}

    def consider(self, namespace: str) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Return the write of the namespace's ImageQuota, if it is needed and due."""
        quota = self._cache.quotas.get((namespace, "default"))
        state, now = self._registry.of(namespace), self._clock()
        if not quota:
            self._written.pop(namespace, None)
            return None
        if not state.ledger:
            self._registry.want_ledger(namespace)
            return None
        due = self._written.get(namespace, now - INTERVAL) + INTERVAL
        if now < due:
            self._queue.add(QuotaStatusKey(namespace), after=due)
            return None
        policy = self._registry.policy(namespace)
        ledger = state.ledger.at(now, policy.rates)
        running = self._registry.running(namespace)
        room = self._cache.budget
        full_at = room.limit if room.left_out(namespace) else None
        status = describe_quota(
            quota, policy, ledger, len(state.throttled), running, now, full_at=full_at
        )
        change = next_change(policy, ledger)
        if change:
            self._queue.add(QuotaStatusKey(namespace), after=max(change, now + INTERVAL))
        return partial(self._write, quota, status, now) if status != quota.status else None

    async def _write(self, quota: ImageQuota, status: ImageQuotaStatus, now: datetime) -> None:
        namespace, name = quota.metadata.namespace, quota.metadata.name
        self._written[namespace] = now
        try:
            self._cache.upsert(await self._cluster.write_quota_status(quota, status))
        except NotFoundError:
            self._cache.remove(quota)
        except ConflictError:
            fresh = await self._cluster.read(IMAGE_QUOTAS, namespace, name)
            if fresh:
                self._cache.upsert(fresh)
