"""Everything that changes an ImageQuota's status enqueues it, in any order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaStatus
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import QuotaStatusKey
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.job_writer import JobWriter
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.quota_status import INTERVAL, ImageQuotaStatusWriter
from imagejob_operator.controllers.reconciler import Reconciler
from imagejob_operator.controllers.status_writer import StatusWriter
from imagejob_operator.kube.errors import ApiError, ConflictError
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.namespace_state import PendingWorker
from support.api_objects import (
    NOW,
    PLATFORM,
    image_job,
    metadata,
    pod,
    running,
    shows_admitted,
    store,
    terminated,
    worker_job,
)
from support.examples import examples
from support.queues import StillQueue
from support.timings import TIMINGS

POLICY = Policy((parse_rate("50/1h"),))
CAPS = Caps(default=POLICY, max_workers=64, max_workers_per_namespace=32)
CAT = image_job(status=shows_admitted())
WORKER = worker_job(CAT)
RUNS, ENDED = pod(by=WORKER, state=running()), pod(by=WORKER, state=terminated())
ENDED = msgspec.structs.replace(
    ENDED, metadata=msgspec.structs.replace(ENDED.metadata, resource_version="21")
)
QUOTA = msgspec.convert(
    {"metadata": metadata("default", "uid-quota"), "spec": {"limits": [{"jobs": 50, "per": "1h"}]}},
    ImageQuota,
)


class Stored:
    """The API server as the writer of quota statuses sees it."""

    metrics = Metrics()

    def __init__(self) -> None:
        self.status = ImageQuotaStatus()
        self.refusal: ApiError | None = None

    async def write_quota_status(self, quota: ImageQuota, status: ImageQuotaStatus) -> ImageQuota:
        self.status = status
        version = str(int(quota.metadata.resource_version) + 1)
        meta = msgspec.structs.replace(quota.metadata, resource_version=version)
        return msgspec.structs.replace(quota, metadata=meta, status=status)

    async def create_worker(self, _manifest: dict[str, Any]) -> object:
        assert self.refusal
        raise self.refusal

    async def delete_worker(self, *_: object) -> None:
        return None

    async def read(self, *_: object) -> None:
        return None


class Operator:
    """The part of the operator that handles enqueued quotas, each INTERVAL after the last."""

    def __init__(self) -> None:
        self.now = NOW
        self.stored = Stored()
        self.queue = StillQueue()
        self.cache = ClusterCache(enqueue=self.queue.add)
        self.registry = NamespaceRegistry(self.cache, self.queue, CAPS, TIMINGS, self._clock)
        cluster: Any = self.stored
        histories = JobHistories()
        status_writer = StatusWriter(
            cluster,
            self.cache,
            self.queue,
            histories,
            instance="op",
            write_audit=lambda _: None,
            clock=self._clock,
        )
        self.job_writer = JobWriter(
            cluster, self.cache, self.queue, self.registry, histories, TIMINGS, self._clock
        )
        self.steps = Reconciler(
            self.cache,
            self.queue,
            self.registry,
            status_writer,
            self.job_writer,
            ImageQuotaStatusWriter(cluster, self.cache, self.queue, self.registry, self._clock),
            histories,
            PLATFORM,
            self._clock,
        )
        self.tenant = self.registry.of("team-a")
        self.tenant.load(Ledger(0).at(NOW, POLICY.rates), "1")
        for thing in (store(), QUOTA):
            self.cache.upsert(thing)
        self.look()

    def _clock(self) -> datetime:
        return self.now

    def look(self) -> None:
        """Handle all enqueued keys, and no more."""
        self.now += INTERVAL + timedelta(milliseconds=1)
        while (subject := self.queue.next()) is not None:
            step = self.steps.next_for(subject)
            if step and isinstance(subject, QuotaStatusKey):
                asyncio.run(step.action())


MESSAGES = {
    "its Job comes": lambda cache: cache.upsert(WORKER),
    "its pod runs": lambda cache: cache.upsert(RUNS),
    "its Job goes": lambda cache: cache.remove(WORKER),
    "its pod ends": lambda cache: cache.upsert(ENDED),
    "its pod goes": lambda cache: cache.remove(ENDED),
}


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow])
@given(order=st.lists(st.sampled_from(sorted(MESSAGES)), max_size=8), looks=st.integers(0, 255))
def test_the_running_count_is_right_in_any_order_of_events(order: list[str], looks: int) -> None:
    operator = Operator()
    for number, message in enumerate(order):
        MESSAGES[message](operator.cache)
        if looks >> number & 1:
            operator.look()
    operator.look()

    assert operator.stored.status.running == operator.registry.running("team-a")


def test_nothing_is_at_work_once_the_job_has_gone_and_then_its_pod_ends() -> None:
    operator = Operator()
    seen = []
    for message in ("its Job comes", "its pod runs", "its Job goes", "its pod ends"):
        MESSAGES[message](operator.cache)
        operator.look()
        seen.append(operator.stored.status.running)

    assert seen == [1, 1, 1, 0]


@pytest.mark.parametrize("status", [403, 409], ids=["refused", "another has its name"])
def test_a_worker_that_is_not_to_be_is_not_at_work(status: int) -> None:
    operator = Operator()
    tenant, stored = operator.tenant, operator.stored
    pending = PendingWorker("ij-9", (CAT,), "sha256:0", "order", {}, operator.now)
    assert tenant.ledger
    tenant.load(tenant.ledger.dispatch("ij-9", pending.record), "2")
    tenant.begin(pending)
    operator.queue.add(QuotaStatusKey("team-a"))
    operator.look()
    before = stored.status.running

    stored.refusal = (ConflictError if status == 409 else ApiError)(status, "no")
    composed_again = msgspec.structs.replace(pending, at=operator.now)
    tenant.begin(composed_again)
    asyncio.run(operator.job_writer.create("team-a", composed_again))
    operator.look()

    assert (before, stored.status.running) == (1, 0)
