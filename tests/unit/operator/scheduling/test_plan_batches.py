"""Which workers start immediately, and which wait until they are fuller."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.contract.order import decode
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import Refusal
from imagejob_operator.imagejob.worker_checks import is_starting
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker
from imagejob_operator.scheduling.plan import FEW, WorkerBudget
from support.api_objects import (
    EARLIER,
    NOW,
    image_job,
    pod,
    running,
    terminated,
    waiting,
    worker_job,
)
from support.planning_team import NEW, Team, dispatched, job, jobs, lost, workers
from support.timings import PATIENCE

CREATED = datetime.fromisoformat(EARLIER)
TICK = timedelta(milliseconds=1)
SMALL = {"limits": {"maxPixels": 2_000_000}}


def full(count: int, first: int = 0) -> list[str]:
    return [each.metadata.name for each in jobs(count, first)]


def test_those_who_wait_together_go_in_one_worker_in_their_order() -> None:
    made = Team().queued(job("b"), job("c", NEW), job("a"), job("d", priority=1)).plan()

    (pending,) = made.pending
    assert workers(made) == [["d", "a", "b", "c"]]
    assert pending.record.uids == ("uid-d", "uid-a", "uid-b", "uid-c")
    assert [item.name for item in decode(pending.order).items] == ["d", "a", "b", "c"]
    assert made.ledger.dispatches == {pending.name: pending.record}


HELD = {
    "none is starting": (0, [["a"]]),
    "one is starting": (FEW - 1, [["a"]]),
    "two are starting": (FEW, []),
    "more are starting": (FEW + 3, []),
}


@pytest.mark.parametrize(("starting", "expected"), HELD.values(), ids=HELD)
def test_a_worker_with_room_left_is_begun_while_few_are_starting(
    starting: int, expected: list[list[str]]
) -> None:
    made = Team().queued(job("a")).plan(places=WorkerBudget(10, starting=starting))

    assert workers(made) == expected


def test_one_more_with_room_left_is_begun_while_one_is_starting() -> None:
    team = Team().queued(job("a"), job("b", **SMALL))

    assert workers(team.plan(places=WorkerBudget(10, starting=1))) == [["a"]]


def test_a_full_worker_is_begun_however_many_are_starting() -> None:
    team = Team().queued(*jobs(MAX_BATCH + 1))

    made = team.plan(places=WorkerBudget(10, starting=9))

    assert workers(made) == [full(MAX_BATCH)]


def test_who_goes_alone_goes_however_many_are_starting() -> None:
    made = Team().queued(job("a"), lost("b"), lost("c")).plan(places=WorkerBudget(10, starting=9))

    assert workers(made) == [["b"], ["c"]]


def test_who_was_refused_goes_alone() -> None:
    team = Team().queued(job("a"), job("b"), job("c"), job("d"))
    made = team.plan(refusals=dict.fromkeys(("uid-a", "uid-b"), Refusal("", NOW)))

    assert workers(made) == [["a"], ["b"], ["c", "d"]]


def test_when_thrifty_no_partial_worker_starts_beside_a_full_one() -> None:
    many = [job(f"{number:02}") for number in range(MAX_BATCH + 1)]
    made = Team().queued(*many).plan(places=WorkerBudget(10, is_thrifty=True))

    assert [len(each) for each in workers(made)] == [MAX_BATCH]


def test_with_thrift_one_with_room_left_is_begun_only_if_none_is_at_work() -> None:
    team = Team().queued(job("a"), job("b", **SMALL))
    held = team.plan(places=WorkerBudget(10, at_work=1, is_thrifty=True))
    made = team.plan(places=WorkerBudget(10, at_work=0, is_thrifty=True))

    assert workers(held) == []
    assert workers(made) == [["a"]]


def test_who_is_held_back_writes_nothing_and_goes_with_those_who_come_meanwhile() -> None:
    team = Team().queued(job("a"))
    held = team.plan(places=WorkerBudget(10, starting=2))

    made = team.queued(job("b")).plan(places=WorkerBudget(10, starting=1))

    assert not held.must_write
    assert workers(made) == [["a", "b"]]


def test_who_is_held_back_is_charged_all_the_same() -> None:
    made = Team().throttled(job("a")).plan(places=WorkerBudget(10, starting=2))

    assert made.admitted == ("uid-a",)
    assert made.pending == ()
    assert made.must_write


def test_who_is_held_back_holds_no_destination() -> None:
    shared = {"destination": {"prefix": "shared"}}
    team = Team().queued(job("a", **shared))
    team.plan(places=WorkerBudget(10, starting=2))

    team.tenant.line_up(job("a", **shared), None)

    assert dispatched(team.queued(job("b", **shared)).plan()) == ["b"]


def test_no_more_run_than_may_in_however_many_workers() -> None:
    made = Team().queued(*jobs(60)).plan(places=WorkerBudget(10, image_jobs=30))

    assert workers(made) == [full(MAX_BATCH), full(30 - MAX_BATCH, MAX_BATCH)]


def test_without_any_left_that_may_run_none_is_begun() -> None:
    assert Team().queued(job("a")).plan(places=WorkerBudget(10, image_jobs=0)).pending == ()


def test_two_of_one_destination_are_never_in_one_worker() -> None:
    shared = {"destination": {"prefix": "shared"}}
    team = Team().queued(job("a", **shared), job("b", **shared), job("c"), job("d", **shared))

    first = team.plan()
    team.carry_out(first)
    second = team.plan()
    for each in first.pending[0].jobs:
        team.cache.forget(each)
        team.tenant.line_up(each, None)
    team.tenant.retire(first.pending[0].name)
    third = team.plan()

    assert workers(first) == [["a", "c"]]
    assert workers(second) == []
    assert workers(third) == [["b"]]


def test_the_last_of_a_destination_waits_for_a_worker_of_several() -> None:
    shared = {"destination": {"prefix": "shared"}}
    team = Team()
    for carried in (job("a", **shared), job("c")):
        team.cache.upsert(carried)
    team.cache.upsert(worker_job(job("a", **shared), job("c"), name="ij-9"))
    team.queued(job("b", **shared))

    inputs = gather(team.cache, "uid-b")

    assert inputs is not None
    assert inputs.rival == "ij-9"
    assert team.plan().pending == ()


CAT = image_job()
IN_PODS: dict[str, tuple[Pod | None, timedelta, bool]] = {
    "no pod yet": (None, PATIENCE - TICK, True),
    "no pod for long": (None, PATIENCE, False),
    "its node prepares it": (pod(phase="Pending"), PATIENCE - TICK, True),
    "its node has prepared it for long": (pod(phase="Pending"), PATIENCE, False),
    "its image can't be pulled": (
        pod(phase="Pending", state=waiting("ErrImagePull")),
        PATIENCE,
        False,
    ),
    "it runs": (pod(state=running()), TICK, False),
    "it has ended": (pod(state=terminated()), TICK, False),
}


@pytest.mark.parametrize(("its_pod", "age", "expected"), IN_PODS.values(), ids=IN_PODS)
def test_which_workers_are_starting(its_pod: Pod | None, age: timedelta, *, expected: bool) -> None:
    worker = Worker(worker_job(CAT), its_pod)

    assert is_starting(worker, PATIENCE, CREATED + age) is expected
