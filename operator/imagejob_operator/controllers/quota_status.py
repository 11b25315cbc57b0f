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
from imagejob_operator.quota.ledger import Ledger, micros
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
        ledger, now = self._registry.of(namespace).ledger, self._clock()
        if not quota:
            self._written.pop(namespace, None)
            return None
        if not ledger:
            self._want_ledger(quota, now)
            return None
        due = self._written.get(namespace, now - INTERVAL) + INTERVAL
        if now < due <= now + INTERVAL:  # unless the clock was set back
            self._queue.add(QuotaStatusKey(namespace), after=due)
            return None
        policy = self._registry.policies.of(namespace)
        change = next_change(policy, ledger.at(now, policy.rates))
        if change:
            self._queue.add(QuotaStatusKey(namespace), after=max(change, now + INTERVAL))
        status = self._status(quota, ledger, now)
        return partial(self._write, quota, status, now) if status != quota.status else None

    def _want_ledger(self, quota: ImageQuota, now: datetime) -> None:
        """Request the ledger, unless there is none and the status shows exactly that already."""
        namespace = quota.metadata.namespace
        unused = Ledger(micros(now))
        is_known = self._registry.ledgers.is_missing(namespace)
        if not is_known or self._status(quota, unused, now) != quota.status:
            self._registry.ledgers.want(namespace)

    def _status(self, quota: ImageQuota, ledger: Ledger, now: datetime) -> ImageQuotaStatus:
        namespace, room = quota.metadata.namespace, self._cache.budget
        policy = self._registry.policies.of(namespace)
        return describe_quota(
            quota,
            policy,
            ledger.at(now, policy.rates),
            len(self._registry.of(namespace).throttled),
            self._registry.running(namespace),
            now,
            full_at=room.limit if room.left_out(namespace) else None,
        )

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
