"""No other worker starts for an ImageJob or a destination while anything may still work on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.reconcile_key import PodKey, WatchedObject
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.job_builder import ORDER_VARIABLE
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import WorkerJob
from support.api_objects import (
    NOW,
    PLATFORM,
    disrupted,
    done,
    image_job,
    inputs,
    last_failure,
    pod,
    report,
    running,
    terminated,
    waiting,
    worker_job,
)
from support.planning_team import Team, job, workers

SHARED = {"destination": {"prefix": "shared"}}
CAT, DOG = job("cat", **SHARED), job("dog", **SHARED)
TOLD = image_job("cat", status=last_failure(1), meta={"resourceVersion": "5"}, **SHARED)
"""Its status shows how its first worker failed."""
WORKER = worker_job(CAT)
LATER = timedelta(minutes=10)


def ran(**more: Any) -> Pod:
    return pod(by=WORKER, **{"state": running(), **more})


def elsewhere(thing: Pod) -> Pod:
    meta = msgspec.structs.replace(thing.metadata, namespace="team-b")
    return msgspec.structs.replace(thing, metadata=meta)


Lose = Callable[[Team], object]


def lose(*things: WatchedObject) -> Lose:
    def happens(team: Team) -> None:
        for thing in things:
            team.cache.remove(thing)
        team.cache.unverified.clear()

    return happens


def given_up(thing: Pod) -> Lose:
    return lambda team: team.cache.give_up(thing)


def nothing(_: Team) -> None:
    pass


FOREIGN = {"ownerReferences": [{"uid": "u", "kind": "Job", "name": "mine", "controller": True}]}
NO_LABELS: dict[str, Any] = {"labels": {}}
UNFINISHED = {"conditions": [{"type": "Failed", "status": "True"}]}

BUSY: dict[str, tuple[list[WatchedObject], Lose]] = {
    "a worker is to start": ([WORKER], nothing),
    "its pod runs": ([WORKER, ran()], nothing),
    "its Job has gone, and its pod runs": ([WORKER, ran()], lose(WORKER)),
    "its pod runs, and nobody here has known its Job": ([ran()], nothing),
    "its pod has lost its owner": ([ran(orphaned=True)], nothing),
    "its pod has lost its labels": ([ran(meta_more=NO_LABELS)], nothing),
    "its pod has another owner": ([ran(meta_more=FOREIGN)], nothing),
    "its pod has not started": ([pod(by=WORKER, state=waiting("ContainerCreating"))], nothing),
    "its pod has no node": ([pod(by=WORKER, node=None, phase="Pending")], nothing),
    "its Job has given up, and its pod runs": (
        [worker_job(CAT, status=UNFINISHED), ran()],
        nothing,
    ),
    "of its two pods one has ended": (
        [WORKER, ran(suffix="old"), ran(state=terminated(), version=21)],
        nothing,
    ),
    "its Job is being deleted": (
        [worker_job(CAT, deletionTimestamp="2026-11-22T10:00:00Z"), ran()],
        nothing,
    ),
}


@pytest.mark.parametrize(("things", "happens"), BUSY.values(), ids=BUSY)
@pytest.mark.parametrize("wanted", [CAT, TOLD, DOG], ids=["itself", "its next", "another"])
def test_none_begins_while(things: list[WatchedObject], happens: Lose, wanted: Any) -> None:
    team = Team()
    for thing in (CAT, *things):
        team.cache.upsert(thing)
    happens(team)
    team.queued(wanted)

    assert workers(team.plan()) == []


FREE: dict[str, tuple[list[WatchedObject], Lose]] = {
    "its pod has ended": ([WORKER, ran(state=terminated())], nothing),
    "its pod was evicted": ([WORKER, ran(state=terminated(), **disrupted())], nothing),
    "an orphan has ended": ([ran(state=terminated(), orphaned=True)], nothing),
    "an orphan is of another namespace": ([elsewhere(ran(orphaned=True))], nothing),
    "an orphan has gone": ([ran(orphaned=True)], lose(ran(orphaned=True, version=30))),
    "its Job and its pod have gone": ([WORKER, ran()], lose(WORKER, ran(version=30))),
    "its pod was given up, with a node that is lost": ([ran()], given_up(ran())),
    "its Job has gone, and its pod was given up": (
        [WORKER, ran()],
        lambda team: (lose(WORKER)(team), given_up(ran())(team)),
    ),
}


@pytest.mark.parametrize(("things", "happens"), FREE.values(), ids=FREE)
@pytest.mark.parametrize("wanted", [TOLD, DOG], ids=["its next", "another"])
def test_another_begins_when(things: list[WatchedObject], happens: Lose, wanted: Any) -> None:
    team = Team()
    for thing in (TOLD, *things):
        team.cache.upsert(thing)
    happens(team)
    team.queued(wanted)

    assert workers(team.plan(later=LATER)) == [[wanted.metadata.name]]


def test_it_is_said_which_pod_is_waited_for() -> None:
    team = Team()
    for thing in (TOLD, ran(orphaned=True)):
        team.cache.upsert(thing)
    known = gather(team.cache, "uid-cat")
    assert known is not None

    standing = evaluate(inputs(TOLD, strays=known.strays), PLATFORM, NOW + LATER)

    assert standing.reason is Reason.DESTINATION_BUSY
    assert standing.message == "pod ij-1-x2k9q still writes to shared/"


def test_a_worker_job_that_is_there_is_named_before_its_pod() -> None:
    team = Team()
    for thing in (TOLD, DOG, ran()):
        team.cache.upsert(thing)
    known = gather(team.cache, "uid-dog")
    assert known is not None

    standing = evaluate(inputs(TOLD, rival="ij-1", strays=known.strays), PLATFORM, NOW + LATER)

    assert standing.message == "worker Job ij-1 still writes to shared/"


def liar(of: WorkerJob, says: str) -> Pod:
    """A pod that a worker Job was made to adopt: it has another's order, or none."""
    made_for = worker_job(job("emu"))
    loaded = pod(by=made_for, state=terminated(says), suffix="liar")
    owner = msgspec.structs.replace(
        loaded.metadata.owner_references[0], uid=of.metadata.uid, name=of.metadata.name
    )
    meta = msgspec.structs.replace(loaded.metadata, owner_references=(owner,))
    return msgspec.structs.replace(loaded, metadata=meta)


FORGED: dict[str, list[WatchedObject]] = {
    "one that its Job has adopted": [WORKER, ran(), liar(WORKER, report(done()))],
    "one that is no Job's": [
        WORKER,
        ran(state=terminated(report(done())), orphaned=True, suffix="old"),
        ran(),
    ],
    "one of a newer Job than the status names": [
        WORKER,
        ran(),
        worker_job(CAT, name="ij-9", version=90, creationTimestamp="2026-11-22T10:00:00Z"),
        pod(by=worker_job(CAT, name="ij-9"), state=terminated(report(done()))),
    ],
}


@pytest.mark.parametrize("things", FORGED.values(), ids=FORGED)
def test_only_the_pod_of_its_own_worker_reports(things: list[WatchedObject]) -> None:
    ready = {"type": "Ready", "status": "False", "reason": "Processing", "message": ""}
    shown = {
        "worker": {"job": "ij-1"},
        "conditions": [{**ready, "lastTransitionTime": "2026-11-22T10:00:00Z"}],
    }
    named = image_job("cat", status=shown, **SHARED)
    team = Team()
    for thing in (named, *things):
        team.cache.upsert(thing)
    known = gather(team.cache, "uid-cat")
    assert known is not None

    standing = evaluate(inputs(named, known.worker, strays=known.strays), PLATFORM, NOW)

    assert standing.phase != "Succeeded"


def touched(team: Team) -> list[Any]:
    return team.cache.drain()


STRAYS: dict[str, tuple[list[WatchedObject], Lose, bool]] = {
    "its Job is there": ([WORKER, ran()], nothing, False),
    "its Job has gone": ([WORKER, ran()], lose(WORKER), True),
    "its Job has gone, and it has ended": ([WORKER, ran(state=terminated())], lose(WORKER), True),
    "it has no owner": ([WORKER, ran(orphaned=True)], nothing, True),
    "its Job is still to be heard of": ([ran()], nothing, True),
}


@pytest.mark.parametrize(("things", "happens", "is_stray"), STRAYS.values(), ids=STRAYS)
def test_a_pod_that_may_be_no_job_s_is_looked_at(
    things: list[WatchedObject], happens: Lose, *, is_stray: bool
) -> None:
    team = Team()
    for thing in things:
        team.cache.upsert(thing)
    happens(team)

    assert (PodKey("team-a", "ij-1-x2k9q") in touched(team)) is is_stray


def test_of_a_pod_s_order_only_whom_and_where_it_serves_is_kept() -> None:
    known = pod(by=worker_job(CAT, DOG))

    assert [each.uid for each in known.carries] == ["uid-cat", "uid-dog"]
    assert {each.destination.prefix for each in known.carries} == {"shared"}
    assert ORDER_VARIABLE not in str(msgspec.to_builtins(known))
