"""A worker Job that the API server refuses, and that an earlier attempt may have made."""

from __future__ import annotations

import asyncio

import pytest
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.job_writer import JobWriter
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.kube.errors import ApiError, ConflictError, UnreachableError
from imagejob_operator.kube.worker import WorkerJob
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.namespace_state import PendingWorker
from support.api_objects import NOW, image_job, store, worker_job
from support.queues import StillQueue
from support.timings import TIMINGS

CAPS = Caps(Policy((parse_rate("50/1h"),)), max_workers=64, max_workers_per_namespace=32)
CAT = image_job()
UID = CAT.metadata.uid
MADE = worker_job(CAT)
OTHER = worker_job(CAT, image_job("dog"))
EXCEEDED = ApiError(403, "exceeded quota: pods")


class Refusing:
    """A cluster that refuses to create a worker, and has `known` under its name, if anything."""

    def __init__(self, refusal: ApiError, known: WorkerJob | None) -> None:
        self.metrics = Metrics()
        self._refusal = refusal
        self._known = known

    async def create_worker(self, _: object) -> WorkerJob:
        raise self._refusal

    async def read(self, *_: object) -> WorkerJob | None:
        return self._known


class Attempt:
    """To create the worker of one ImageJob, on a cluster that refuses."""

    def __init__(self, refusal: ApiError, known: WorkerJob | None) -> None:
        queue = StillQueue()
        self.cache = ClusterCache(enqueue=queue.add)
        for thing in (store(), CAT):
            self.cache.upsert(thing)
        self.histories = JobHistories()
        registry = NamespaceRegistry(self.cache, queue, CAPS, TIMINGS, lambda: NOW)
        self.state = registry.of("team-a")
        pending = PendingWorker("ij-1", (CAT,), "digest", MADE.order_text, {}, NOW)
        self.state.begin(pending)
        cluster = Refusing(refusal, known)
        writer = JobWriter(
            cluster,  # type: ignore[arg-type]
            self.cache,
            queue,
            registry,
            self.histories,
            TIMINGS,
            lambda: NOW,
        )
        asyncio.run(writer.create("team-a", pending))

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
