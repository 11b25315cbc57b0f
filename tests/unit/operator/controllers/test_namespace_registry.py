"""When a namespace is planned again: no promise of its ledger may be forgotten."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import MissingLedgersKey
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.containment import Containment
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.known_ledgers import ALONE
from imagejob_operator.controllers.ledgers import StoredLedger
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.scheduler import Action, Scheduler
from imagejob_operator.controllers.wait_estimator import WaitEstimator
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import DispatchRecord, Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from support.api_objects import NOW, PLATFORM, image_job, shows_admitted, store
from support.queues import StillQueue
from support.timings import TIMINGS

POLICY = Policy((parse_rate("50/1h"),))
CAPS = Caps(default=POLICY, max_workers=64, max_workers_per_namespace=32)
ADMITTED = {"phase": "Queued", **shows_admitted()}
CAT = image_job(status=ADMITTED)


class StoredLedgers:
    """Ledgers as an API server keeps them: what was written last is what is read.

    `rebuilds` says of each read whether the ledger was taken for missing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.version = ledger, 1
        self.rebuilds: list[bool] = []

    @property
    def stored(self) -> StoredLedger:
        return StoredLedger(self.ledger, str(self.version))

    async def read(self, _namespace: str, *, is_missing: bool = False) -> StoredLedger:
        self.rebuilds.append(is_missing)
        return StoredLedger(Ledger(0), None) if is_missing else self.stored

    async def write(
        self, _namespace: str, ledger: Ledger, version: str | None
    ) -> StoredLedger | None:
        if version != str(self.version):
            return None
        self.ledger, self.version = ledger, self.version + 1
        return self.stored


class FailingLedgers(StoredLedgers):
    """No ledger can be read."""

    async def read(self, _namespace: str, **_: bool) -> StoredLedger:
        raise ApiError(429, "too many requests")


class Operator:
    """The part of the operator that plans namespaces."""

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
        """Act until nothing is left to do."""
        for _ in range(9):
            touched = self.queue.namespaces()
            actions = [action for _, action in self.dispatcher.next_actions(touched)]
            if not actions:
                return
            for action in actions:
                asyncio.run(action())
        raise AssertionError("it never comes to rest")


def promising(job: ImageJob) -> StoredLedgers:
    """A ledger that promises a worker for it."""
    ledgers = StoredLedgers(Ledger(0).at(NOW, POLICY.rates))
    before = Operator(ledgers, job)
    before.registry.ledgers.loaded("team-a", ledgers.stored)
    before.registry.line_up(job, "worker")
    before.act()
    assert list(ledgers.ledger.dispatches) == list(before.tenant.pending)
    return ledgers


def restarted(ledgers: StoredLedgers, job: ImageJob) -> Operator:
    """An operator that has read the ledger, and acted on it."""
    operator = Operator(ledgers, job)
    operator.registry.ledgers.loaded("team-a", ledgers.stored)
    operator.act()
    return operator


def test_a_promise_is_kept_after_a_restart() -> None:
    ledgers = promising(CAT)

    operator = restarted(ledgers, CAT)

    assert list(operator.tenant.pending) == list(ledgers.ledger.dispatches)


def test_a_promise_that_was_put_off_is_kept_although_nobody_is_in_line() -> None:
    ledgers = promising(CAT)
    operator = restarted(ledgers, CAT)

    operator.registry.ledgers.invalidate(
        "team-a"
    )  # as if the API server took too long to create the worker
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


def test_a_ledger_that_the_list_lacks_is_rebuilt_unless_another_operator_has_created_it() -> None:
    charged = Ledger(0).at(NOW, POLICY.rates).charge(["uid-other"])
    ledgers, cat = StoredLedgers(charged), image_job()
    operator = Operator(ledgers, cat)
    operator.registry.ledgers.listed({})
    operator.registry.line_up(cat, "admission")

    operator.act()

    assert ledgers.rebuilds == [True, False]
    assert cat.metadata.uid in ledgers.ledger.charged
    assert sum(count for _, count in ledgers.ledger.history.slots) == 2


def test_a_ledger_that_was_listed_is_not_read_again() -> None:
    ledgers, cat = StoredLedgers(Ledger(0).at(NOW, POLICY.rates)), image_job()
    operator = Operator(ledgers, cat)
    operator.registry.ledgers.listed({"team-a": ledgers.stored})
    operator.registry.line_up(cat, "admission")

    operator.act()

    assert ledgers.rebuilds == []
    assert cat.metadata.uid in ledgers.ledger.charged


def test_a_ledger_that_could_not_be_decoded_is_read_when_it_is_needed() -> None:
    ledgers, cat = StoredLedgers(Ledger(0).at(NOW, POLICY.rates)), image_job()
    operator = Operator(ledgers, cat)
    operator.registry.ledgers.listed({"team-a": None})
    operator.registry.line_up(cat, "admission")

    operator.act()

    assert ledgers.rebuilds == [False]


def test_where_many_ledgers_are_missing_two_are_rebuilt_alone_and_the_others_together() -> None:
    names = [f"team-{number}" for number in range(10)]
    operator = Operator(StoredLedgers(Ledger(0)))
    registry = operator.registry
    registry.ledgers.listed({})
    for name in names:
        registry.line_up(moved(image_job(), name), "admission")

    actions = operator.dispatcher.next_actions(names)

    assert [key.namespace for key, _ in actions] == names[:ALONE]
    assert registry.ledgers.wanted_missing() == names[ALONE:]
    assert MissingLedgersKey() in operator.queue.drain()


def test_the_end_of_a_rebuilding_makes_room_for_the_next() -> None:
    operator, (first, *_) = rebuilding()

    asyncio.run(first())

    assert set(operator.queue.namespaces()) == {"team-0", f"team-{ALONE}"}


def test_a_rebuilding_that_was_also_requested_makes_room_for_another_namespace() -> None:
    operator, (first, *_) = rebuilding(requested="team-0")

    asyncio.run(first())

    assert set(operator.queue.namespaces()) == {"team-0", f"team-{ALONE}"}


def test_a_rebuilding_that_fails_makes_no_room() -> None:
    """Otherwise the next would fail, too, and the one after it, without any pause."""
    operator, (first, *_) = rebuilding(FailingLedgers(Ledger(0)))

    with pytest.raises(ApiError):
        asyncio.run(first())

    assert operator.queue.namespaces() == []


def test_a_namespace_that_waited_for_others_goes_on_once_its_ledger_is_rebuilt() -> None:
    operator = Operator(StoredLedgers(Ledger(0)))
    operator.registry.ledgers.listed({})
    operator.registry.line_up(moved(image_job(), "team-b"), "admission")
    operator.queue.take_namespace("team-b")
    operator.registry.ledgers.rebuilt("team-b", StoredLedger(Ledger(0), None))

    assert operator.queue.namespaces() == ["team-b"]


def test_a_ledger_that_another_operator_may_have_made_is_read_and_not_rebuilt() -> None:
    """A worker shows that its ImageJob was charged since all ledgers were listed."""
    ledgers = StoredLedgers(Ledger(0))
    operator = Operator(ledgers)
    operator.registry.ledgers.listed({})
    operator.registry.ledgers.want("team-a")
    operator.registry.ledgers.rebuilt("team-a", StoredLedger(Ledger(0).charge(["uid-cat"]), None))
    operator.act()

    assert ledgers.rebuilds == [False]
    assert operator.tenant.ledger == ledgers.ledger


def rebuilding(
    ledgers: StoredLedgers | None = None, *, requested: str = ""
) -> tuple[Operator, list[Action]]:
    """Ten namespaces whose ledgers are missing, and the actions that rebuild the first ones."""
    names = [f"team-{number}" for number in range(10)]
    operator = Operator(ledgers or StoredLedgers(Ledger(0)))
    operator.registry.ledgers.listed({})
    if requested:
        operator.registry.ledgers.want(requested)
    for name in names:
        operator.registry.line_up(moved(image_job(), name), "admission")
    return operator, [action for _, action in operator.dispatcher.next_actions(names)]


def moved(job: ImageJob, namespace: str) -> ImageJob:
    meta = msgspec.structs.replace(
        job.metadata, namespace=namespace, uid=f"{namespace}-{job.metadata.uid}"
    )
    return msgspec.structs.replace(job, metadata=meta)


@pytest.mark.parametrize(("known", "count"), [("cat", 1), ("owl", 0)])
def test_a_promise_takes_a_slot_only_if_an_image_job_of_it_is_known(known: str, count: int) -> None:
    cache = ClusterCache()
    cache.upsert(image_job(known))
    registry = NamespaceRegistry(cache, StillQueue(), CAPS, TIMINGS, lambda: NOW)
    promised = Ledger(0).dispatch("ij-1", DispatchRecord(("uid-cat",), "digest"))
    registry.ledgers.loaded("team-a", StoredLedger(promised, "1"))

    assert registry.occupancies()["team-a"].workers == count
