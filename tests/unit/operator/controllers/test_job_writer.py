"""What the API server is asked before a worker Job is given up: watches may be late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers import job_writer
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.job_writer import JobWriter
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.imagejob.decide import FindPod
from imagejob_operator.kube.errors import ApiError, ConflictError, UnreachableError
from imagejob_operator.kube.pager import Page
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.worker import Worker, WorkerJob
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.namespace_state import PendingWorker
from support.api_objects import NOW, image_job, pod, store, worker_job
from support.queues import StillQueue
from support.timings import TIMINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from imagejob_operator.kube.pod import Pod

CAPS = Caps(Policy((parse_rate("50/1h"),)), max_workers=64, max_workers_per_namespace=32)
CAT = image_job()
UID = CAT.metadata.uid
MADE = worker_job(CAT)
OTHER = worker_job(CAT, image_job("dog"))
EXCEEDED = ApiError(403, "exceeded quota: pods")


class Refusing:
    """A cluster that refuses to create a worker, and has `known` under its name, if anything."""

    def __init__(
        self, refusal: ApiError, known: WorkerJob | Unreadable | None, *pods: Pod | Unreadable
    ) -> None:
        self.metrics = Metrics()
        self._refusal = refusal
        self._known = known
        self._pods = pods

    async def create_worker(self, _: object) -> WorkerJob:
        raise self._refusal

    async def read(self, *_: object) -> WorkerJob | Unreadable | None:
        return self._known

    async def pages(self, *_: object) -> AsyncIterator[Page[Pod]]:
        good = [each for each in self._pods if not isinstance(each, Unreadable)]
        yield Page(50, good, [each for each in self._pods if isinstance(each, Unreadable)])


class Operator:
    """The part of one that writes worker Jobs."""

    def __init__(self, cluster: Refusing) -> None:
        self.queue = queue = StillQueue()
        self.cache = ClusterCache(enqueue=queue.add)
        for thing in (store(), CAT):
            self.cache.upsert(thing)
        self.histories = JobHistories()
        registry = NamespaceRegistry(self.cache, queue, CAPS, TIMINGS, lambda: NOW)
        self.state = registry.of("team-a")
        self.writer = JobWriter(
            cluster,  # type: ignore[arg-type]
            Lister(cluster, self.cache, lambda: None),  # type: ignore[arg-type]
            self.cache,
            queue,
            registry.ledgers,
            self.histories,
            TIMINGS,
            lambda: NOW,
        )


class Attempt(Operator):
    """To create the worker of one ImageJob, on a cluster that refuses."""

    def __init__(self, refusal: ApiError, known: WorkerJob | Unreadable | None) -> None:
        super().__init__(Refusing(refusal, known))
        pending = PendingWorker("ij-1", (CAT,), "digest", MADE.order_text, {}, NOW)
        self.state.begin(pending)
        asyncio.run(self.writer.create("team-a", pending))

    @property
    def is_refused(self) -> bool:
        return self.histories.of(UID).refusal is not None

    @property
    def has_worker(self) -> bool:
        return bool(self.cache.workers)


@pytest.mark.parametrize("refusal", [EXCEEDED, ConflictError(409, "it exists")])
def test_a_worker_that_is_there_counts_whatever_was_refused(refusal: ApiError) -> None:
    """Its own pod may be what exceeds the quota."""
    attempt = Attempt(refusal, MADE)

    assert attempt.has_worker
    assert not attempt.is_refused


@pytest.mark.parametrize("refusal", [EXCEEDED, ConflictError(409, "it exists")])
def test_one_that_cannot_be_read_is_there_and_holds_its_namespace(refusal: ApiError) -> None:
    attempt = Attempt(refusal, Unreadable("jobs", "WorkerJob", "team-a", "ij-1", "uid-1", 20, "x"))

    assert not attempt.is_refused
    assert attempt.cache.unreadable.worker("team-a", "ij-1")
    assert "ij-1" in attempt.state.retired


def test_without_one_it_is_refused_and_dispatched_under_another_name() -> None:
    attempt = Attempt(EXCEEDED, None)

    assert attempt.is_refused
    assert not attempt.has_worker
    assert "ij-1" in attempt.state.retired


@pytest.mark.parametrize("known", [None, OTHER])
def test_after_a_conflict_with_something_else_it_is_dispatched_again_at_once(
    known: WorkerJob | None,
) -> None:
    attempt = Attempt(ConflictError(409, "it exists"), known)

    assert not attempt.is_refused
    assert not attempt.has_worker
    assert "ij-1" in attempt.state.retired


def test_after_an_outage_nothing_is_known() -> None:
    with pytest.raises(UnreachableError):
        Attempt(UnreachableError("cut"), None)


def test_one_planned_long_ago_is_planned_again_and_its_failures_are_forgotten_later() -> None:
    operator = Operator(Refusing(EXCEEDED, None))
    at = NOW - 2 * job_writer.STALE
    pending = PendingWorker("ij-1", (CAT,), "digest", MADE.order_text, {}, at)
    operator.state.begin(pending)

    was_tried = asyncio.run(operator.writer.create("team-a", pending))

    assert not was_tried
    assert operator.queue.namespaces() == ["team-a"]
    assert operator.queue.later == [(("team-a", "ij-1"), NOW + job_writer.FORGOTTEN_AFTER)]


UNREADABLE = Unreadable("pods", "Pod", "team-a", "ij-1-x2k9q", "uid-pod", 20, "it is newer")
ENDED = worker_job(CAT, status={"conditions": [{"type": "Complete", "status": "True"}]})
READ = {
    "its own": (pod(by=ENDED), True),
    "another's": (pod(by=worker_job(CAT, name="ij-2")), False),
    "its own, with another order": (pod(by=OTHER), False),
    "one that can't be read": (UNREADABLE, True),
}


@pytest.mark.parametrize(("read", "is_there"), READ.values(), ids=READ)
def test_the_pod_of_a_worker_that_has_ended_is_read(
    read: Pod | Unreadable, *, is_there: bool
) -> None:
    operator = Operator(Refusing(EXCEEDED, None, read))
    operator.cache.upsert(ENDED)
    assert Worker(ENDED).hides_its_pod

    asyncio.run(operator.writer.find_pod(FindPod(CAT, Worker(ENDED), "the pod of ij-1")))

    assert operator.histories.of(UID).missing == ("" if is_there else "the pod of ij-1")
    held = operator.cache.unreadable.worker("team-a", "ij-1")
    assert len(operator.cache.pods) == (0 if held else 1)
    assert held == (read is UNREADABLE)
