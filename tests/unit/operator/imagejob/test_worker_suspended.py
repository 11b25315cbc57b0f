"""Worker Jobs that another controller suspends and resumes, as Kueue does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import WatchedObject
from imagejob_operator.imagejob.decide import Inquire
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import Inputs, Refusal
from imagejob_operator.imagejob.worker_checks import is_starting
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker, WorkerJob
from imagejob_operator.scheduling.allocation import Occupancy, occupancy
from imagejob_operator.scheduling.namespace_state import NamespaceState
from support.api_objects import (
    EARLIER,
    NO_ROOM,
    NOW,
    PLATFORM,
    carried,
    image_job,
    inputs,
    pod,
    report,
    running,
    store,
    suspended,
    terminated,
    waiting,
    worker_job,
)
from support.deciding import decided
from support.timings import PATIENCE, REPLACED_AFTER, SETTLE

CAT, DOG = image_job("cat", retries=0), image_job("dog")
CREATED = datetime.fromisoformat(EARLIER)
RESUMED = CREATED + timedelta(hours=1)
TICK = timedelta(milliseconds=1)
ANSWER = Refusal("", RESUMED + timedelta(days=1))


def resumed(*jobs: ImageJob) -> WorkerJob:
    since = {"lastTransitionTime": RESUMED.isoformat()}
    told = [{"type": "Suspended", "status": "False", "reason": "JobResumed", **since}]
    return worker_job(*(jobs or (CAT,)), version=12, status={"conditions": told})


def fields(manager: str, *owned: str) -> dict[str, object]:
    return {"manager": manager, "fieldsV1": {"f:spec": {f"f:{name}": {} for name in owned}}}


CREATOR = fields("imagejob-operator", "suspend", "template")
BY_SOMEBODY = {"managedFields": [CREATOR, fields("kubectl-patch", "suspend")]}
AT_ITS_CREATION = {"managedFields": [CREATOR, fields("kubectl-label")]}
IN_QUEUE = {"labels": {"kueue.x-k8s.io/queue-name": "images"}}
LONG = timedelta(days=3)
SAID = "worker Job ij-1 is suspended: no reason is given"
CASES = {
    "it has no pod": (carried(by=suspended()), SAID),
    "it has no pod for days, and the cluster says nothing": (
        carried(by=suspended(), refusal=ANSWER),
        SAID,
    ),
    "of two": (carried(by=suspended(CAT, DOG), refusal=ANSWER), SAID),
    "its pod was deleted for it before it started": (
        inputs(CAT, Worker(suspended(), past=(pod(phase="Failed"),))),
        SAID,
    ),
    "by a program": (
        carried(by=suspended(**BY_SOMEBODY)),
        'worker Job ij-1 is suspended by "kubectl-patch": no reason is given',
    ),
    "since its creation": (carried(by=suspended(**AT_ITS_CREATION)), SAID),
    "in a queue of Kueue": (
        carried(by=suspended(**IN_QUEUE)),
        'worker Job ij-1 is suspended: Kueue resumes it when the queue "images" has capacity',
    ),
}


@pytest.mark.parametrize(("known", "message"), CASES.values(), ids=CASES)
def test_what_is_said_while_it_is_suspended(known: Inputs, message: str) -> None:
    standing = evaluate(known, PLATFORM, CREATED + LONG)

    assert (standing.phase, standing.reason) == ("Queued", Reason.WORKER_SUSPENDED)
    assert standing.message == message
    assert (standing.until, standing.failure, standing.disruptions) == (None, None, None)


def test_it_causes_no_lookup_and_no_replacement() -> None:
    known = carried(by=suspended(CAT, DOG))
    now = CREATED + LONG
    decisions = [decided(known, now=now)]
    decisions.append(decided(known, decisions[-1].history, now + SETTLE))
    decisions.append(decided(known, decisions[-1].history, now + LONG))

    assert not any(isinstance(each.action, Inquire) for each in decisions)


def test_a_pod_that_is_still_ending_runs() -> None:
    ending = Worker(suspended(), pod(state=running()))

    assert evaluate(inputs(CAT, ending), PLATFORM, NOW).phase == "Running"
    assert ending.is_live
    assert not ending.is_suspended


PATIENCES = {
    "it has just gone on": (carried(by=resumed()), PATIENCE - TICK, Reason.DISPATCHED),
    "it gets no pod": (carried(by=resumed(), refusal=ANSWER), PATIENCE, Reason.WORKER_REFUSED),
    "no node takes its pod": (
        carried(
            pod(
                phase="Pending",
                conditions=[NO_ROOM],
                meta_more={"creationTimestamp": RESUMED.isoformat()},
            ),
            resumed(),
        ),
        PATIENCE,
        Reason.WORKER_UNSCHEDULABLE,
    ),
}


@pytest.mark.parametrize(("known", "age", "reason"), PATIENCES.values(), ids=PATIENCES)
def test_its_time_begins_when_it_goes_on(known: Inputs, age: timedelta, reason: Reason) -> None:
    assert evaluate(known, PLATFORM, RESUMED + age).reason is reason


def test_one_of_several_that_gets_no_pod_is_given_up_only_after_it_has_gone_on() -> None:
    known = inputs(CAT, Worker(resumed(CAT, DOG)), refusal=ANSWER)
    soon, late = (RESUMED + REPLACED_AFTER - TICK, RESUMED + REPLACED_AFTER)

    assert evaluate(known, PLATFORM, soon).disruptions is None
    assert evaluate(known, PLATFORM, late).disruptions == 1


def killed(version: int = 21) -> Pod:
    return pod(by=worker_job(CAT), state=terminated(report(None), 143), version=version)


AFTERWARDS: dict[str, list[WatchedObject]] = {
    "its pod is there": [killed()],
    "its pod has gone": [],
}


@pytest.mark.parametrize("pods", AFTERWARDS.values(), ids=AFTERWARDS)
def test_one_that_was_suspended_under_its_pod_is_over(pods: list[WatchedObject]) -> None:
    cache = ClusterCache()
    worker = worker_job(CAT)
    at_work = pod(by=worker, state=running())
    for thing in (store(), CAT, worker, at_work, suspended(), *pods):
        cache.upsert(thing)
    if not pods:
        cache.remove(killed())

    known = gather(cache, "uid-cat")

    assert known is not None
    assert known.worker is not None
    assert not known.worker.is_live
    standing = evaluate(inputs(CAT, known.worker), PLATFORM, NOW)
    assert (standing.reason, standing.failure, standing.disruptions) == (Reason.EVICTED, None, 1)


def test_one_that_has_another_pod_after_all_has_failed() -> None:
    """It was resumed before the operator had deleted it: two workers have run."""
    new = pod(by=worker_job(CAT), suffix="new", state=running(), version=40)

    standing = evaluate(inputs(CAT, Worker(resumed(), new, past=(killed(),))), PLATFORM, RESUMED)

    assert (standing.phase, standing.reason) == ("Failed", Reason.WORKER_LOST)


def taken(*workers: Worker) -> Occupancy:
    return occupancy(workers, NamespaceState("team-a"), {}, None, 32, PATIENCE, CREATED + TICK)


def test_it_takes_no_worker_s_place_and_its_image_jobs_count() -> None:
    idle, stopping = Worker(suspended(CAT, DOG)), Worker(suspended(), pod(state=running()))

    assert taken(idle) == Occupancy(workers=0, image_jobs=2)
    assert (taken(stopping).workers, taken(stopping).image_jobs) == (1, 1)
    assert taken(Worker(resumed(CAT, DOG))).workers == 1
    assert not is_starting(idle, PATIENCE, CREATED)


def test_it_may_still_write_where_it_was_to() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    cache = ClusterCache()
    for thing in (cat, dog, suspended(cat)):
        cache.upsert(thing)

    known = gather(cache, "uid-dog")

    assert known is not None
    assert known.rival == "ij-1"


def test_an_image_that_can_t_be_pulled_is_no_matter_of_one_that_is_suspended() -> None:
    stuck = pod(phase="Pending", state=waiting("ErrImagePull"))
    standing = evaluate(inputs(CAT, Worker(suspended(), stuck)), PLATFORM, CREATED + LONG)

    assert standing.disruptions is None
