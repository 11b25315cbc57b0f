"""Whether an ImageJob may have a worker now: one list of checks for status, planner and CLI."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from imagejob_cli.course import Course
from imagejob_cli.given import Task
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.imagejob import evaluate as checks
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import Inputs, JobState, QuotaPosition, Refusal
from support.api_objects import NOW, PLATFORM, image_job, last_failure, store, worker_job
from support.planning_team import Team, dispatched

FREE = image_job()
HELD: dict[str, ImageJob] = {
    "it is being deleted": image_job(meta={"deletionTimestamp": "2026-11-22T10:00:00Z"}),
    "it is suspended": image_job(suspend=True),
    "its store is not there": image_job(destination={"storeRef": {"name": "gone"}}),
    "its profile is not there": image_job(profileRef={"name": "gone"}),
    "it would overwrite its source": image_job(
        destination={"prefix": "incoming"}, outputs=[{"name": "cat", "format": "jpeg"}]
    ),
    "its last attempt has just failed": image_job(status=last_failure(1)),
}


def team_of(job: ImageJob) -> Team:
    return Team().queued(job)


def waits_for_worker(team: Team, refusal: Refusal | None = None) -> bool:
    """What the status shows for the only ImageJob, which is charged."""
    found = gather(team.cache, FREE.metadata.uid)
    assert found
    quota = QuotaPosition(admitted_at=NOW)
    known = msgspec.structs.replace(found, quota=quota, refusal=refusal)
    return evaluate(known, PLATFORM, NOW).waits_for == "worker"


def test_nothing_is_in_its_way() -> None:
    team = team_of(FREE)

    assert waits_for_worker(team)
    assert dispatched(team.plan()) == ["cat"]


@pytest.mark.parametrize("job", HELD.values(), ids=HELD)
def test_what_the_status_holds_back_the_planner_holds_back(job: ImageJob) -> None:
    team = team_of(job)

    assert not waits_for_worker(team)
    assert dispatched(team.plan()) == []


def test_one_that_a_worker_has_is_given_no_other() -> None:
    team = team_of(FREE)
    team.cache.upsert(worker_job(FREE))

    assert not waits_for_worker(team)
    assert dispatched(team.plan()) == []


@pytest.mark.parametrize(("seconds", "begins"), [(1, []), (-1, ["cat"])], ids=["now", "before"])
def test_one_whose_worker_was_refused_waits_until_the_refusal_is_over(
    seconds: int, begins: list[str]
) -> None:
    team = team_of(FREE)
    refusal = Refusal("quota exceeded", NOW + timedelta(seconds=seconds))

    assert waits_for_worker(team, refusal) is bool(begins)
    assert dispatched(team.plan(refusals={FREE.metadata.uid: refusal})) == begins


def test_a_new_check_holds_it_back_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_holiday(_inputs: Inputs, _platform: Platform, _now: object) -> JobState | None:
        return JobState("Pending", Reason.SUSPENDED, "nobody works today")

    course = Course(Task(FREE, None), {"uploads": store()}, PLATFORM)
    before = course.ready(NOW) is not None
    monkeypatch.setattr(checks, "CHECKS", (on_holiday, *checks.CHECKS))
    team = team_of(FREE)

    assert before
    assert not waits_for_worker(team)
    assert dispatched(team.plan()) == []
    assert course.ready(NOW) is None
