"""Everything that changes an ImageQuota's status enqueues it, in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaStatus
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.reconcile_key import MissingLedgersKey, QuotaStatusKey
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.job_writer import JobWriter
from imagejob_operator.controllers.ledger_rebuilder import LedgerRebuilder
from imagejob_operator.controllers.ledgers import StoredLedger
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.quota_status import INTERVAL, ImageQuotaStatusWriter
from imagejob_operator.controllers.reconciler import Reconciler
from imagejob_operator.controllers.status_writer import StatusWriter
from imagejob_operator.imagejob.inputs import WaitsFor
from imagejob_operator.kube.errors import ApiError, ConflictError
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.quota.status import describe_quota
from imagejob_operator.scheduling.namespace_state import PendingWorker
from imagejob_operator.workqueue.priority import Priority
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

UNUSED = Ledger(0).at(NOW, POLICY.rates)
FINISHED = ["uid-of-one-that-has-finished"]
USED = UNUSED.charge(FINISHED).without(uids=FINISHED)


class Stored:
    """The API server as the writer of quota statuses sees it."""

    metrics = Metrics()

    def __init__(self) -> None:
        self.status = ImageQuotaStatus()
        self.writes = 0
        self.refusal: ApiError | None = None

    async def write_quota_status(self, quota: ImageQuota, status: ImageQuotaStatus) -> ImageQuota:
        self.status, self.writes = status, self.writes + 1
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


class Rebuilding:
    """Ledgers that have to be rebuilt; `asked` are the namespaces that were rebuilt together."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.asked: list[list[str]] = []

    async def rebuild(self, namespaces: Collection[str]) -> dict[str, StoredLedger]:
        self.asked.append(list(namespaces))
        return {each: StoredLedger(self.ledger, None) for each in namespaces}


class Operator:
    """The part of the operator that handles enqueued quotas, each INTERVAL after the last."""

    def __init__(self, *quotas: ImageQuota, rebuilt: Ledger | None = None) -> None:
        """With `quotas`, no namespace has a ledger; `rebuilt` is what the ImageJobs show."""
        self.now = NOW
        self.ledgers = Rebuilding(rebuilt or UNUSED)
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
            cluster,
            Lister(cluster, self.cache, lambda: None),
            *(self.cache, self.queue, self.registry.ledgers, histories),
            *(TIMINGS, self._clock),
        )
        self.steps = Reconciler(
            self.cache,
            self.queue,
            self.registry,
            status_writer,
            self.job_writer,
            ImageQuotaStatusWriter(cluster, self.cache, self.queue, self.registry, self._clock),
            LedgerRebuilder(self.ledgers, self.registry.ledgers),  # type: ignore[arg-type]
            histories,
            PLATFORM,
            self._clock,
        )
        self.tenant = self.registry.of("team-a")
        if not quotas:
            self.tenant.load(UNUSED, "1")
        self.registry.ledgers.listed({})
        for thing in (store(), *(quotas or (QUOTA,))):
            self.cache.upsert(thing)
        self.look()

    def _clock(self) -> datetime:
        return self.now

    def look(self) -> None:
        """Handle all enqueued keys, and no more."""
        self.now += INTERVAL + timedelta(milliseconds=1)
        while (subject := self.queue.next()) is not None:
            step = self.steps.next_for(subject)
            if step and isinstance(subject, QuotaStatusKey | MissingLedgersKey):
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


def shown(namespace: str, ledger: Ledger) -> ImageQuota:
    """An ImageQuota whose status an operator wrote before, by that ledger."""
    quota = in_namespace(namespace)
    status = describe_quota(quota, POLICY, ledger, 0, 0, NOW - timedelta(hours=1))
    return msgspec.structs.replace(quota, status=status)


def in_namespace(namespace: str) -> ImageQuota:
    meta = msgspec.structs.replace(
        QUOTA.metadata, namespace=namespace, uid=f"uid-{namespace}", generation=1
    )
    return msgspec.structs.replace(QUOTA, metadata=meta)


def test_where_nothing_was_used_and_the_status_says_so_no_ledger_is_asked_for() -> None:
    operator = Operator(*(shown(f"team-{number}", UNUSED) for number in range(100)))

    assert operator.ledgers.asked == []
    assert operator.stored.writes == 0


@pytest.mark.parametrize(
    "quota",
    [in_namespace("team-a"), shown("team-a", USED)],
    ids=["that no operator has met", "that shows use"],
)
def test_the_use_of_an_idle_namespace_without_a_ledger_is_shown(quota: ImageQuota) -> None:
    operator = Operator(quota, rebuilt=USED)

    assert operator.ledgers.asked == [["team-a"]]
    shows = operator.cache.quotas.get(("team-a", "default"))
    assert shows
    assert [use.used for use in shows.status.limits] == [1]


def test_the_ledgers_of_idle_namespaces_are_rebuilt_together() -> None:
    names = [f"team-{number}" for number in range(100)]
    operator = Operator(*map(in_namespace, names))

    assert operator.ledgers.asked == [names]
    assert operator.stored.writes == 100


def test_a_status_that_was_written_needs_no_ledger_after_a_restart() -> None:
    before = Operator(in_namespace("team-a"))
    written = before.cache.quotas.get(("team-a", "default"))
    assert written

    after = Operator(written)

    assert after.ledgers.asked == []
    assert after.stored.writes == 0


def test_a_ledger_that_was_written_meanwhile_is_not_replaced_by_a_rebuilt_one() -> None:
    operator = Operator(shown("team-a", UNUSED))
    operator.registry.ledgers.want("team-a")
    step = operator.steps.next_for(MissingLedgersKey())
    operator.tenant.load(USED, "5")
    assert step
    asyncio.run(step.action())

    assert (operator.tenant.ledger, operator.tenant.version) == (USED, "5")


def test_a_ledger_that_another_operator_wrote_is_read_whatever_the_status_shows() -> None:
    operator = Operator(shown("team-a", UNUSED))
    operator.registry.ledgers.invalidate("team-a")
    operator.queue.add(QuotaStatusKey("team-a"))
    operator.look()

    assert operator.ledgers.asked == []
    assert "team-a" in operator.queue.namespaces()
    assert not operator.registry.ledgers.is_idle("team-a")


@pytest.mark.parametrize(
    ("things", "priority"),
    [((), Priority.STATUS_REFRESH), ((CAT, WORKER), Priority.STATUS)],
    ids=["idle", "at work"],
)
def test_the_status_of_an_idle_namespace_is_written_last(
    things: tuple[Any, ...], priority: Priority
) -> None:
    operator = Operator(in_namespace("team-a"))
    for each in things:
        operator.cache.upsert(each)
    operator.tenant.load(USED, "2")
    operator.now += INTERVAL
    step = operator.steps.next_for(QuotaStatusKey("team-a"))

    assert step
    assert step.priority is priority


@pytest.mark.parametrize(
    ("waits_for", "priority"),
    [("admission", Priority.IMMEDIATE), (None, Priority.EVENT)],
    ids=["an ImageJob waits", "only a status"],
)
def test_missing_ledgers_are_rebuilt_at_once_only_where_an_image_job_waits(
    waits_for: WaitsFor | None, priority: Priority
) -> None:
    operator = Operator(shown("team-a", UNUSED))
    operator.registry.line_up(CAT, waits_for)
    operator.registry.ledgers.want("team-a")
    step = operator.steps.next_for(MissingLedgersKey())

    assert step
    assert step.priority is priority


def test_a_clock_that_was_set_back_delays_no_status() -> None:
    operator = Operator()
    operator.now -= timedelta(hours=1)
    operator.cache.upsert(WORKER)
    operator.look()

    assert operator.stored.status.running == 1
