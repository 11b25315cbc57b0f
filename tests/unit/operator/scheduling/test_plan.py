"""What is charged and dispatched next in one namespace: from its queues to its next ledger."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.contract.order import decode
from imagejob_operator.imagejob.job_builder import worker_name
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.plan import WorkerBudget
from support.api_objects import NOW, PLATFORM, image_job, last_failure
from support.planning_team import EMPTY, NEW, Team, dispatched, job, lost, workers

HOURLY = Policy((parse_rate("2/1h"),))
ADMITTED = {
    "conditions": [
        {
            "type": "Admitted",
            "status": "True",
            "reason": "Admitted",
            "message": "",
            "lastTransitionTime": "2026-11-22T09:00:00Z",
        }
    ]
}
LINE = (job("c", NEW), job("b"), job("d", NEW, priority=1), job("a"))
"""The order is d, a, b, c."""


def test_those_of_the_highest_priority_are_charged_first_and_then_the_oldest() -> None:
    made = Team().throttled(*LINE).plan(HOURLY)

    assert made.admitted == ("uid-d", "uid-a")
    assert made.ledger.charged == dict.fromkeys(("uid-d", "uid-a"), EMPTY.as_of)
    assert made.must_write


def test_those_who_are_charged_and_those_who_were_go_in_one_order() -> None:
    made = Team().queued(LINE[0], LINE[1]).throttled(LINE[2], LINE[3]).plan()

    assert dispatched(made) == ["d", "a", "b", "c"]


def test_no_more_workers_are_begun_than_there_are_places() -> None:
    made = Team().queued(lost("a"), lost("b"), lost("c")).plan(places=2)

    assert workers(made) == [["a"], ["b"]]


def test_no_more_are_dispatched_than_may_run() -> None:
    made = Team().throttled(*LINE).plan(places=WorkerBudget(10, image_jobs=2))

    assert len(made.admitted) == 4
    assert workers(made) == [["d", "a"]]


def test_without_a_place_nobody_is_dispatched_but_all_are_charged() -> None:
    made = Team().throttled(*LINE).plan(places=0)

    assert len(made.admitted) == 4
    assert made.pending == ()
    assert made.must_write


def test_every_worker_is_promised_by_the_ledger_under_a_number_of_its_own() -> None:
    numbered = msgspec.structs.replace(EMPTY, number=7)

    made = Team(numbered).throttled(job("a"), lost("b"), job("c")).plan()

    names = [worker_name(["uid-b"], 8), worker_name(["uid-a", "uid-c"], 9)]
    assert [each.name for each in made.pending] == names
    assert made.ledger.dispatches == {each.name: each.record for each in made.pending}
    assert made.ledger.number == 9


def test_a_worker_s_order_matches_its_record() -> None:
    (pending,) = Team().throttled(job("a")).plan().pending

    env = pending.manifest["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
    assert pending.manifest["metadata"]["name"] == pending.name
    assert pending.order == env
    assert pending.record.uids == ("uid-a",)
    assert pending.at == NOW


def test_what_was_charged_before_is_not_charged_again() -> None:
    team = Team(EMPTY.charge(["uid-a"])).throttled(job("a"), job("b"), job("c"))

    assert team.plan(HOURLY).admitted == ("uid-b",)


def test_when_nobody_waits_nothing_is_written() -> None:
    made = Team(EMPTY.charge(["uid-a"])).plan(later=timedelta(minutes=1))

    assert not made.must_write


def test_when_the_quota_is_used_up_nothing_is_written() -> None:
    team = Team(EMPTY.charge(["uid-x", "uid-y"])).throttled(job("a"))

    assert not team.plan(HOURLY).must_write
    assert team.plan(HOURLY, later=timedelta(hours=2)).admitted == ("uid-a",)


def test_a_clock_that_was_put_back_is_written_down() -> None:
    team = Team(EMPTY.charge(["uid-x"]))

    assert not team.plan(later=timedelta(seconds=-4)).must_write
    assert team.plan(later=timedelta(minutes=-10)).must_write


def test_who_is_promised_a_worker_is_not_promised_another() -> None:
    team = Team().throttled(job("a"))
    made = team.plan()
    team.carry_out(made)

    again = team.queued(job("a")).plan()  # its status is being written: it is still in the queue

    assert again.pending == ()
    assert not again.must_write


def test_who_shows_that_he_was_charged_is_not_charged_again() -> None:
    team = Team(EMPTY.charge(["uid-a"])).throttled(
        msgspec.structs.replace(job("a"), status=image_job(status=ADMITTED).status)
    )

    made = team.plan()

    assert made.admitted == ()
    assert made.ledger.charged == {}


ASIDE = {
    "it is suspended": job("a", suspend=True),
    "its store has gone": job("a", destination={"storeRef": {"name": "gone"}}),
    "its profile has gone": job("a", profileRef={"name": "gone"}),
}


@pytest.mark.parametrize("aside", ASIDE.values(), ids=ASIDE)
def test_imagejobs_that_can_t_run_any_more_are_skipped(aside: ImageJob) -> None:
    made = Team().queued(aside, job("b")).plan(places=1)

    assert dispatched(made) == ["b"]


def test_who_has_to_be_asked_after_is_passed_over() -> None:
    team = Team().queued(job("a"), job("b"))
    team.cache.mark_unverified("uid-a")

    assert dispatched(team.plan()) == ["b"]


def test_who_has_left_meanwhile_is_passed_over() -> None:
    team = Team().queued(job("a"), job("b"))
    team.cache.remove(job("a"))

    assert dispatched(team.plan(places=1)) == ["b"]


def test_two_with_one_destination_never_run_concurrently() -> None:
    shared = {"destination": {"prefix": "shared"}}
    team = Team().throttled(job("a", **shared), job("b", **shared), job("c"))

    first = team.plan()
    team.carry_out(first)
    second = team.queued(job("b", **shared)).plan()

    assert dispatched(first) == ["a", "c"]
    assert dispatched(second) == []


def test_a_destination_is_free_again_when_its_claim_is_released() -> None:
    shared = {"destination": {"prefix": "shared"}}
    a, b = job("a", **shared), job("b", **shared)
    team = Team().queued(a, b)
    team.plan(places=1)

    team.cache.forget(a)
    team.tenant.line_up(a, None)

    assert dispatched(team.plan()) == ["b"]


def test_a_ledger_that_has_not_been_read_is_not_planned_with() -> None:
    team = Team().throttled(job("a"))
    team.tenant.invalidate()

    with pytest.raises(ValueError, match="the ledger of team-a has not been read"):
        team.plan()


SHORT_OF_MEMORY = {
    "seq": 5,
    "time": "2026-11-22T09:59:00Z",
    "actor": "imagejob-operator",
    "event": "Queued",
    "reason": "OutOfMemory",
    "message": "attempt 1 of 4 failed",
}
MEMORY = {
    "the first attempt": (image_job(), PLATFORM.memory),
    "after too little memory": (
        image_job(status=last_failure(1, "OutOfMemory")),
        PLATFORM.large_memory,
    ),
    "after another failure": (image_job(status=last_failure(1, "TimedOut")), PLATFORM.memory),
    "after another failure, with more memory than at first": (
        image_job(status=last_failure(2, "TimedOut") | {"audit": [SHORT_OF_MEMORY]}),
        PLATFORM.large_memory,
    ),
}


@pytest.mark.parametrize("case", MEMORY)
def test_the_memory_that_an_attempt_gets(case: str) -> None:
    job, memory = MEMORY[case]

    (pending,) = Team().queued(job).plan(later=timedelta(minutes=9)).pending

    container = pending.manifest["spec"]["template"]["spec"]["containers"][0]
    assert decode(pending.order).child_memory_bytes == memory.child_bytes
    assert container["resources"]["limits"] == {"memory": str(memory.pod_bytes)}


def test_one_that_may_have_been_deleted_is_not_charged_before_that_is_known() -> None:
    team = Team().throttled(job("a"), job("b"))
    team.cache.mark_unverified("uid-a")

    assert team.plan().admitted == ("uid-b",)
