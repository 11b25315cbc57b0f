"""An ImageJob that is being deleted, and that a finalizer keeps, is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.status_writer import StatusWriter
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.decide import JobHistory, WriteStatus, decide
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.kube.errors import NotFoundError
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.admission_snapshot import take_snapshot
from imagejob_operator.scheduling.namespace_state import NamespaceState
from imagejob_operator.scheduling.plan import WorkerBudget, plan
from support.api_objects import (
    NOW,
    PLATFORM,
    carried,
    done,
    failed,
    image_job,
    inputs,
    last_failure,
    pod,
    report,
    running,
    shows_admitted,
    store,
    terminated,
    worker_job,
)
from support.queues import StillQueue

GOING: dict[str, Any] = {"deletionTimestamp": "2026-11-22T10:00:00Z", "finalizers": ["a.b/keep"]}
CAT = image_job(meta=GOING)
SUSPENDED = image_job(meta=GOING, suspend=True)
FAILED_ONCE = image_job(meta=GOING, status=last_failure(1, "StorageUnavailable"))
UNLUCKY = terminated(report(failed("StorageUnavailable", "connection refused")))
POLICY = Policy((parse_rate("50/1h"),))

CANCELLED = {
    "never looked at": inputs(CAT, quota=QuotaPosition()),
    "admitted": inputs(CAT),
    "its store is missing": inputs(CAT, stores={}),
    "suspended": inputs(SUSPENDED),
    "it would wait for another attempt": inputs(FAILED_ONCE),
    "its worker is on its way": carried(job=CAT),
    "its worker runs": carried(pod(state=running()), job=CAT),
    "its worker has failed, and it would be tried again": carried(pod(state=UNLUCKY), job=CAT),
}


@pytest.mark.parametrize("known", CANCELLED.values(), ids=CANCELLED)
def test_it_is_cancelled(known: Inputs) -> None:
    decision = decide(known, JobHistory(), PLATFORM, NOW)

    assert isinstance(decision.action, WriteStatus)
    assert decision.state.waits_for is None
    ends = [(each.event, each.reason, each.actor) for each in decision.action.entries]
    assert ends[-1] == ("Failed", "Cancelled", "unknown")
    assert [reason for _, reason, _ in ends].count("Cancelled") == 1
    assert decision.action.status.phase == "Failed"


@pytest.mark.parametrize(
    ("entry", "phase", "reason"),
    [(done(), "Succeeded", "Succeeded"), (failed(), "Failed", "CorruptImage")],
)
def test_what_had_come_of_it_stays(entry: list[Any], phase: str, reason: str) -> None:
    ended = carried(pod(state=terminated(report(entry))), job=CAT)

    standing = decide(ended, JobHistory(), PLATFORM, NOW).state

    assert (standing.phase, standing.reason) == (phase, reason)


def test_it_is_neither_charged_nor_dispatched() -> None:
    admitted = image_job("dog", meta=GOING, status=shows_admitted())
    cache, tenant = ClusterCache(), NamespaceState("team-a")
    for thing in (store(), CAT, admitted):
        cache.upsert(thing)
    tenant.load(Ledger(0).at(NOW, POLICY.rates), "1")
    tenant.line_up(CAT, "admission")  # as if it were deleted after the last look at it
    tenant.line_up(admitted, "worker")

    snapshot = take_snapshot(tenant, POLICY, cache, NOW)
    made = plan(snapshot, WorkerBudget(9), cache, PLATFORM, NOW, {})

    assert (made.admitted, made.pending, made.must_write) == ((), (), False)


def test_its_worker_is_not_needed_once_its_end_is_logged() -> None:
    cache, worker = ClusterCache(), worker_job(CAT)
    for thing in (CAT, worker, pod(state=running())):
        cache.upsert(thing)

    meta = msgspec.structs.replace(CAT.metadata, resource_version="30")
    cache.upsert(image_job(meta=msgspec.to_builtins(meta), status={"phase": "Failed"}))

    assert not cache.worker_ends.is_needed(worker)


class Gone:
    """A cluster where every ImageJob is deleted before it is written or read."""

    metrics = Metrics()

    async def write_status(self, *_: object) -> None:
        raise NotFoundError(404, "not found")

    async def read(self, *_: object) -> None:
        return None


@pytest.mark.parametrize("is_written", [True, False], ids=["after a try to write", "before"])
def test_its_end_is_logged_once_although_it_is_deleted_meanwhile(*, is_written: bool) -> None:
    told: list[dict[str, Any]] = []
    cache, histories = ClusterCache(), JobHistories()
    cache.upsert(CAT)
    writer = StatusWriter(
        Gone(),  # type: ignore[arg-type]
        cache,
        StillQueue(),
        histories,
        instance="op",
        write_audit=lambda line: told.append(msgspec.json.decode(line)),
        clock=lambda: NOW,
    )
    decision = decide(inputs(CAT, quota=QuotaPosition()), JobHistory(), PLATFORM, NOW)
    histories.keep("uid-cat", decision.history)
    assert isinstance(decision.action, WriteStatus)

    if is_written:
        asyncio.run(writer.write(decision.action))
    asyncio.run(writer.verify("uid-cat"))

    assert [line["reason"] for line in told] == ["Requested", "Cancelled"]
    assert cache.jobs.get("uid-cat") is None


def test_it_counts_as_cancelled() -> None:
    metrics = Metrics()
    entries = decide(inputs(CAT), JobHistory(), PLATFORM, NOW).history.entries

    for entry in entries:
        metrics.emitted(CAT, entry, entries, None)

    labels = {"result": "cancelled", "reason": "Cancelled"}
    assert metrics.registry.get_sample_value("imagejob_finished_total", labels) == 1


def test_one_that_goes_at_once_is_told_of_as_ever() -> None:
    assert not audit.tells_cancelled(())
