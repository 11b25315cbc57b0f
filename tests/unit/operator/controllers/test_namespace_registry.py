"""What a namespace is looked at for: nothing that its ledger has promised may be forgotten."""

from __future__ import annotations

import asyncio

import msgspec
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.containment import Containment
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.ledgers import StoredLedger
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.scheduler import Scheduler
from imagejob_operator.controllers.wait_estimator import WaitEstimator
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from support.api_objects import NOW, PLATFORM, image_job, shows_admitted, store
from support.queues import StillQueue
from support.timings import TIMINGS

POLICY = Policy((parse_rate("50/1h"),))
CAPS = Caps(default=POLICY, max_workers=64, max_workers_per_namespace=32)
ADMITTED = {"phase": "Queued", **shows_admitted()}
CAT = image_job(status=ADMITTED)


class StoredLedgers:
    """Ledgers as an API server keeps them: what was written last is what is read."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.version = ledger, 1

    @property
    def stored(self) -> StoredLedger:
        return StoredLedger(self.ledger, str(self.version))

    async def read(self, _namespace: str) -> StoredLedger:
        return self.stored

    async def write(self, _namespace: str, ledger: Ledger, version: str | None) -> StoredLedger:
        assert version == str(self.version)
        self.ledger, self.version = ledger, self.version + 1
        return self.stored


class Operator:
    """The part of one that looks after namespaces."""

    def __init__(self, ledgers: StoredLedgers, *jobs: ImageJob) -> None:
        self.queue = StillQueue()
        self.cache = ClusterCache(enqueue=self.queue.add)
        for thing in (store(), *jobs):
            self.cache.upsert(thing)
        self.registry = NamespaceRegistry(self.cache, self.queue, CAPS, TIMINGS, lambda: NOW)
        estimator = WaitEstimator(self.cache, self.queue, self.registry)
        self.dispatcher = Scheduler(
            self.cache,
            self.queue,
            self.registry,
            ledgers,  # type: ignore[arg-type]
            estimator,
            JobHistories(),
            PLATFORM,
            CAPS,
            Containment(self.cache, self.queue, Metrics(), lambda: NOW),
            lambda: NOW,
        )
        self.tenant = self.registry.of("team-a")

    def act(self) -> None:
        """Until nothing is left to be done."""
        for _ in range(9):
            touched = self.queue.namespaces()
            actions = [action for _, action in self.dispatcher.next_actions(touched)]
            if not actions:
                return
            for action in actions:
                asyncio.run(action())
        raise AssertionError("it never comes to rest")


def promising(job: ImageJob) -> StoredLedgers:
    """A ledger that says that a worker is being created for it."""
    ledgers = StoredLedgers(Ledger(0).at(NOW, POLICY.rates))
    before = Operator(ledgers, job)
    before.registry.loaded("team-a", ledgers.stored)
    before.registry.line_up(job, "worker")
    before.act()
    assert list(ledgers.ledger.dispatches) == list(before.tenant.pending)
    return ledgers


def restarted(ledgers: StoredLedgers, job: ImageJob) -> Operator:
    """It has read the ledger, and acted on what that says."""
    operator = Operator(ledgers, job)
    operator.registry.loaded("team-a", ledgers.stored)
    operator.act()
    return operator


def test_a_promise_is_kept_after_a_restart() -> None:
    ledgers = promising(CAT)

    operator = restarted(ledgers, CAT)

    assert list(operator.tenant.pending) == list(ledgers.ledger.dispatches)


def test_a_promise_that_was_put_off_is_kept_although_nobody_is_in_line() -> None:
    ledgers = promising(CAT)
    operator = restarted(ledgers, CAT)

    operator.registry.invalidate(
        "team-a"
    )  # as when the API server took too long to create the worker
    operator.registry.enqueue("team-a")
    operator.act()

    assert list(operator.tenant.pending) == list(ledgers.ledger.dispatches)


def test_a_promise_to_one_that_was_suspended_is_kept_when_it_is_resumed() -> None:
    ledgers = promising(CAT)
    suspended = changed(CAT, suspend=True)
    operator = restarted(ledgers, suspended)
    add = list(operator.tenant.pending)

    resumed = changed(suspended, suspend=False)
    operator.cache.upsert(resumed)
    operator.registry.line_up(resumed, None)
    operator.act()

    assert add == []
    assert list(operator.tenant.pending) == list(ledgers.ledger.dispatches)


def changed(job: ImageJob, *, suspend: bool) -> ImageJob:
    version = str(int(job.metadata.resource_version) + 1)
    return msgspec.structs.replace(
        job,
        metadata=msgspec.structs.replace(job.metadata, resource_version=version),
        spec=msgspec.structs.replace(job.spec, suspend=suspend),
    )


def test_as_many_as_go_together_at_most_fill_a_worker_whatever_they_wait_for() -> None:
    *most, last = (image_job(f"photo-{number}") for number in range(MAX_BATCH))
    tenants = Operator(StoredLedgers(Ledger(0)), *most, last).registry
    for each in most:
        tenants.line_up(each, "worker")
    before = tenants.fills_a_worker("team-a")
    tenants.line_up(last, "admission")

    assert not before
    assert tenants.fills_a_worker("team-a")
