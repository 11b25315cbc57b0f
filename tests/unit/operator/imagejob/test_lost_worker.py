"""One charge, one source: what an attempt without a report costs, and what it had read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.meta import ObjectMeta
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import WatchedObject
from imagejob_operator.imagejob.decide import Find, FindPod, WriteStatus
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.imagejob.status import describe
from imagejob_operator.kube.pod import EXCUSES, Pod
from imagejob_operator.kube.worker import Worker, WorkerJob
from support.api_objects import (
    DIGEST,
    NOW,
    PLATFORM,
    disrupted,
    done,
    failed,
    image_job,
    inputs,
    last_failure,
    pod,
    read,
    report,
    running,
    source,
    store,
    terminated,
    worker_job,
    written,
)
from support.deciding import decided
from support.resolving import resolve
from support.timings import SETTLE

CAT, DOG = image_job("cat", retries=0), image_job("dog", retries=0)
ALONE, BOTH = worker_job(CAT), worker_job(CAT, DOG)
GOES_ON, COSTS = ("Queued", 0), ("Failed", 1)


def cost(known: Inputs) -> tuple[str, int | None]:
    """The phase of an ImageJob with one attempt, and the number of the failed one."""
    standing = evaluate(known, PLATFORM, NOW)
    return standing.phase, standing.failure.attempt if standing.failure else None


def ended(worker: WorkerJob, message: str, **status: Any) -> Inputs:
    return inputs(CAT, Worker(worker, pod(by=worker, state=terminated(message, 137), **status)))


OOM = {"reason": "OOMKilled"}
DIED: dict[str, tuple[Inputs, tuple[str, int | None]]] = {
    "with others, not begun": (ended(BOTH, report(None, None)), GOES_ON),
    "with others, its source read": (ended(BOTH, report(read(), None)), GOES_ON),
    "with others, no report": (ended(BOTH, ""), COSTS),
    "with others, a report that can't be read": (ended(BOTH, "ij1:~"), COSTS),
    "with others, a report without a word on it": (ended(BOTH, report()), COSTS),
    "with others, a report of more than was asked for": (ended(BOTH, report(done(2), None)), COSTS),
    "alone, not begun": (ended(ALONE, report(None)), COSTS),
    "alone, its source read": (ended(ALONE, report(read())), COSTS),
    "alone, no report": (ended(ALONE, ""), COSTS),
}


@pytest.mark.parametrize(("known", "expected"), DIED.values(), ids=DIED)
def test_what_a_dead_worker_costs(known: Inputs, expected: tuple[str, int | None]) -> None:
    assert cost(known) == expected


@pytest.mark.parametrize("why", sorted(EXCUSES))
@pytest.mark.parametrize("worker", [ALONE, BOTH], ids=["alone", "with others"])
def test_what_the_cluster_takes_away_costs_nothing(worker: WorkerJob, why: str) -> None:
    assert cost(ended(worker, "", **disrupted(why))) == ("Queued", None)


@pytest.mark.parametrize("worker", [ALONE, BOTH], ids=["alone", "with others"])
def test_a_worker_that_somebody_removes_costs_an_attempt(worker: WorkerJob) -> None:
    assert cost(ended(worker, "", **disrupted("DeletionByHand"))) == COSTS


READ = {
    "lost alone": ended(ALONE, report(read())),
    "lost with others": ended(BOTH, report(read(), None)),
    "evicted": ended(ALONE, report(read()), **disrupted()),
    "failed": ended(ALONE, report(failed("StorageUnavailable", source=source()))),
}


@pytest.mark.parametrize("known", READ.values(), ids=READ)
def test_later_attempts_are_to_find_what_was_read(known: Inputs) -> None:
    standing = evaluate(known, PLATFORM, NOW)
    later = written(CAT, describe(known, standing, (), NOW))
    order = resolve(later, None, {"uploads": store()}, PLATFORM)

    assert isinstance(order, Resolved)
    assert order.item.source.pinned_sha256 == DIGEST.hex()


def test_what_was_read_first_stays_what_is_to_be_found() -> None:
    first = image_job(status={"source": {"sha256": DIGEST.hex()}})
    worker = worker_job(first)
    fails = pod(by=worker, state=terminated(report(failed("TimedOut", source=source(b"")))))

    known = inputs(first, Worker(worker, fails))
    status = describe(known, evaluate(known, PLATFORM, NOW), (), NOW)

    assert status.source is not None
    assert status.source.sha256 == DIGEST.hex()


def seen(*things: WatchedObject) -> ClusterCache:
    cache = ClusterCache()
    for thing in (store(), CAT, *things):
        cache.upsert(thing)
    return cache


def later(*lost: WatchedObject, by: ClusterCache) -> Inputs:
    """The inputs once these are gone, and the API server has been asked for others."""
    for thing in lost:
        by.remove(thing)
    by.unverified.clear()
    known = gather(by, "uid-cat")
    assert known is not None
    return inputs(CAT, known.worker, strays=known.strays, vanished=known.vanished)


def at_work(state: dict[str, Any] | None = None, **more: Any) -> Pod:
    return pod(by=ALONE, state=state or running(), **more)


FINAL = {"version": 30}
TAKEN: dict[str, tuple[Inputs, tuple[str, int | None]]] = {
    "its Job and the pod that ran": (
        later(ALONE, at_work(**FINAL), by=seen(ALONE, at_work())),
        COSTS,
    ),
    "its Job, and the pod reported meanwhile": (
        later(
            ALONE,
            at_work(terminated(report(done())), **FINAL),
            by=seen(ALONE, at_work()),
        ),
        ("Succeeded", None),
    ),
    "its Job, before a pod was made": (later(ALONE, by=seen(ALONE)), ("Queued", None)),
    "its Job and a pod that had not started": (
        later(ALONE, pod(by=ALONE, phase="Pending"), by=seen(ALONE, pod(by=ALONE))),
        ("Queued", None),
    ),
    "its Job and a pod that the kubelet never started": (
        later(
            ALONE,
            pod(by=ALONE, state={"terminated": {"reason": "ContainerStatusUnknown"}}, **FINAL),
            by=seen(ALONE, pod(by=ALONE)),
        ),
        ("Queued", None),
    ),
    "its Job and a pod whose end the kubelet doesn't know": (
        later(
            ALONE,
            pod(by=ALONE, state={"terminated": {"reason": "ContainerStatusUnknown"}}, **FINAL),
            by=seen(ALONE, at_work()),
        ),
        COSTS,
    ),
    "its Job, after an eviction": (
        later(ALONE, by=seen(ALONE, at_work(terminated(), **disrupted()))),
        ("Queued", None),
    ),
    "the pod alone": (later(at_work(**FINAL), by=seen(ALONE, at_work())), COSTS),
    "the pod alone, before it started": (
        later(pod(by=ALONE), by=seen(ALONE, pod(by=ALONE))),
        ("Queued", None),
    ),
    "the pod alone, while nobody looked": (
        later(at_work(), by=seen(ALONE, at_work())),
        ("Queued", None),
    ),
    "the pod, while nobody looked, and another has come": (
        later(at_work(), by=seen(ALONE, at_work(), at_work(suffix="new", version=25))),
        COSTS,
    ),
    "its Job and the pod, while nobody looked": (
        later(ALONE, at_work(), by=seen(ALONE, at_work())),
        COSTS,
    ),
    "the pod, and another has come": (
        later(
            at_work(**FINAL),
            by=seen(ALONE, at_work(), at_work(suffix="new", version=25)),
        ),
        COSTS,
    ),
    "the pod from its Job": (
        later(by=seen(ALONE, at_work(), at_work(orphaned=True, **FINAL))),
        COSTS,
    ),
    "the pod from its Job, which has gone": (
        later(ALONE, by=seen(ALONE, at_work(), at_work(orphaned=True, **FINAL))),
        COSTS,
    ),
    "the pod from a Job that nobody here has known": (
        later(by=seen(at_work(orphaned=True))),
        COSTS,
    ),
}


@pytest.mark.parametrize(("known", "expected"), TAKEN.values(), ids=TAKEN)
def test_what_it_costs_when_somebody_deletes(
    known: Inputs, expected: tuple[str, int | None]
) -> None:
    assert cost(known) == expected


def shows(reason: str, worker: str = "ij-1", **more: Any) -> dict[str, Any]:
    """The status of one that a worker has, as another operator, or an earlier one, wrote it."""
    ready = {"type": "Ready", "status": "False", "reason": reason, "message": ""}
    time = {"lastTransitionTime": "2026-11-22T10:00:00Z"}
    return {"worker": {"job": worker}, "conditions": [ready | time], **more}


SHOWN = {
    "it had just been dispatched": (shows("Dispatched"), True),
    "it ran": (shows("Processing"), True),
    "it was evicted": (shows("Evicted"), False),
    "it could not start": (shows("WorkerRefused"), False),
    "it waits for the next": (shows("WaitingForWorker"), False),
    "that one's failure is told": (shows("Processing", **last_failure(0)), False),
    "no worker has had it": ({}, False),
}


@pytest.mark.parametrize(("status", "is_missed"), SHOWN.values(), ids=SHOWN)
def test_a_worker_that_went_while_nobody_looked_costs_an_attempt(
    status: dict[str, Any], *, is_missed: bool
) -> None:
    job = image_job(retries=0, status=status)
    cache = ClusterCache()
    cache.upsert(store())
    cache.upsert(job)
    known = gather(cache, "uid-cat")
    assert known is not None
    known = inputs(job, vanished=known.vanished)

    asks = decided(known)
    told = decided(known, msgspec.structs.replace(asks.history, missing="ij-1"))
    final = decided(known, told.history, NOW + SETTLE)

    assert (asks.action == Find(job, "ij-1")) is is_missed
    assert (told.state.phase == "Failed") is is_missed
    if is_missed:
        assert isinstance(final.action, WriteStatus)
        assert final.action.status.last_failure is not None
        assert final.action.status.last_failure.worker == "ij-1"


@pytest.mark.parametrize("type_", ["Complete", "Failed"])
def test_a_worker_that_has_ended_is_not_lost_before_its_pod_was_asked_for(type_: str) -> None:
    """The watch of pods may be late, and the pod has the report."""
    job = image_job(retries=0)
    ended = worker_job(job, status={"conditions": [{"type": type_, "status": "True"}]})
    unseen = inputs(job, Worker(ended))

    asks = decided(unseen)
    lost = decided(unseen, msgspec.structs.replace(asks.history, missing="the pod of ij-1"))
    found = decided(inputs(job, Worker(ended, pod(state=terminated(report(done()))))), asks.history)

    assert asks.action == FindPod(job, Worker(ended), "the pod of ij-1")
    assert (lost.state.phase, lost.state.reason) == ("Failed", Reason.WORKER_LOST)
    assert found.state.phase == "Succeeded"


def test_a_replaced_worker_is_not_missed_while_the_next_is_being_created() -> None:
    replaced = image_job(retries=0, status=shows("WorkerRefused"))
    promised = inputs(replaced, quota=QuotaPosition(admitted_at=NOW, dispatch="ij-2"))
    told = written(replaced, describe(promised, evaluate(promised, PLATFORM, NOW), (), NOW))
    cache = ClusterCache()
    cache.upsert(told)

    known = gather(cache, "uid-cat")

    assert known is not None
    assert known.vanished is None
    assert {each.type: each.reason for each in told.status.conditions}["Ready"] == "Dispatched"


def test_a_worker_that_the_api_server_has_is_only_heard_of_late() -> None:
    job = image_job(status=shows("Dispatched"))
    cache = ClusterCache()
    cache.upsert(job)
    missing = gather(cache, "uid-cat")
    cache.upsert(worker_job(job))
    found = gather(cache, "uid-cat")

    assert missing is not None
    assert found is not None
    assert (missing.vanished, found.vanished) == ("ij-1", None)
    assert found.worker is not None


def test_a_silent_pod_is_given_up_once_and_costs_nothing() -> None:
    quiet, late = at_work(deadline=180), NOW + timedelta(minutes=10)
    cache = seen(ALONE, quiet)
    cache.give_up(quiet)
    before = later(by=cache)
    told = written(CAT, describe(before, evaluate(before, PLATFORM, late), (), late))
    cache.upsert(msgspec.structs.replace(told, metadata=later_version(told)))
    needed = cache.worker_ends.is_needed(ALONE)

    cache.remove(ALONE)
    cache.upsert(at_work(terminated(report(done())), version=31))
    known = later(by=cache)

    assert (told.status.disruptions, needed) == (1, False)
    assert known.worker is None
    assert known.stray is None
    assert cost(known) == ("Queued", None)


def later_version(job: ImageJob) -> ObjectMeta:
    return msgspec.structs.replace(job.metadata, resource_version="40")


def test_a_pod_before_that_the_status_shows_at_work_was_taken_away() -> None:
    """As an operator sees it that has started since."""
    runs = later(by=seen(ALONE, at_work()))
    told = written(CAT, describe(runs, evaluate(runs, PLATFORM, NOW), (), NOW))

    same, other = (inputs(told, Worker(ALONE, at_work(suffix=name))) for name in ("x2k9q", "new"))

    assert (cost(same), cost(other)) == (("Running", None), COSTS)
