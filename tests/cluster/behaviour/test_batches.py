"""Many ImageJobs in one worker: what they cost together, and that none affects another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from support import audit_log
from support.conditions import until
from support.recorder import Event, owners, recording
from support.tenant import Body, Tenant, image_job, is_finished, picture, reason
from support.worker_pods import SLOW, kill, running_pod

if TYPE_CHECKING:
    from imagejob_dev.program import Program

pytestmark = [pytest.mark.kubelet, pytest.mark.usefixtures("operator")]

BURST = 40
FEW = 8
SECONDS = 120.0


def test_a_burst_needs_few_workers_and_each_gets_its_own(team: Tenant, operator: Program) -> None:
    heights = {f"photo-{number}": 400 + 4 * number for number in range(BURST)}
    for name, height in heights.items():
        team.put(f"incoming/{name}.jpg", picture(640, height))

    with recording(team.cluster.rest, team.path("jobs")) as workers:
        made = team.create([image_job(name, f"incoming/{name}.jpg") for name in heights])
        statuses = team.wait_all(is_finished, BURST, SECONDS)
        team.wait_for_no_workers()

    outputs = {name: status["outputs"][0] for name, status in statuses.items()}
    stored = {name: team.get(f"derived/{name}/thumb.jpg") for name in heights}
    assert {status["phase"] for status in statuses.values()} == {"Succeeded"}
    assert len(made_of(workers)) <= FEW
    assert owners(workers) == dict.fromkeys(heights, 1)
    assert {name: output["height"] for name, output in outputs.items()} == {
        name: height // 2 for name, height in heights.items()
    }
    assert {name: output["sha256"] for name, output in outputs.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in stored.items()
    }
    uids = {each.uid for each in made}
    lines = [line for line in audit_log.read(operator.log) if line.uid in uids]
    assert audit_log.holes(lines) == []
    assert {line.name: line.event for line in lines} == dict.fromkeys(heights, "Succeeded")
    assert all(
        [entry["seq"] for entry in status["audit"]] == list(range(1, len(status["audit"]) + 1))
        for status in statuses.values()
    )


def test_a_bad_image_fails_alone(team: Tenant, operator: Program) -> None:
    team.put("incoming/text.jpg", b"This is no picture, whatever its name says.\n")
    names = [f"good-{number}" for number in range(5)]

    together(
        team,
        operator,
        *(image_job(name) for name in names),
        image_job("bad", "incoming/text.jpg"),
        image_job("nobody", "incoming/nobody.jpg"),
    )
    statuses = team.wait_all(is_finished, len(names) + 2, SECONDS)

    assert len({status["worker"]["job"] for status in statuses.values()}) == 1
    assert {name: reason(status) for name, status in statuses.items()} == {
        **dict.fromkeys(names, "Succeeded"),
        "bad": "UnsupportedFormat",
        "nobody": "SourceNotFound",
    }
    assert {f"derived/{name}/thumb.jpg" for name in names} <= set(team.keys())


@pytest.mark.laptop
def test_who_was_in_a_killed_worker_keeps_its_result_or_goes_alone_and_loses_nothing(
    team: Tenant, operator: Program
) -> None:
    quick, slow = [f"quick-{number}" for number in range(3)], ["slow-0", "slow-1"]

    with recording(team.cluster.rest, team.path("jobs")) as workers:
        together(
            team,
            operator,
            *(image_job(name, priority=1) for name in quick),
            *(image_job(name, "incoming/big.jpg", outputs=SLOW) for name in slow),
        )
        pod = running_pod(team, "slow-0")
        until(lambda: {f"derived/{name}/thumb.jpg" for name in quick} <= set(team.keys()))
        kill(pod)
        statuses = team.wait_all(is_finished, len(quick + slow), SECONDS)
        team.wait_for_no_workers()

    first = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    kept = {name for name, status in statuses.items() if status["worker"]["job"] == first}
    again = statuses.keys() - kept
    failures = [statuses[name]["lastFailure"] for name in again]
    assert {status["phase"] for status in statuses.values()} == {"Succeeded"}
    assert {status["attempts"] for status in statuses.values()} == {1}
    assert kept
    assert kept <= set(quick)
    assert {(each["attempt"], each["reason"], each["worker"]) for each in failures} == {
        (0, "WorkerLost", first)
    }
    assert not any("lastFailure" in statuses[name] for name in kept)
    batches = made_of(workers)
    assert sorted(batches[0]) == sorted(quick + slow)
    assert sorted(batches[1:]) == sorted([name] for name in again)


@pytest.mark.laptop
def test_one_that_is_deleted_leaves_the_others_at_work(team: Tenant, operator: Program) -> None:
    names = ["cat", "dog", "emu"]

    with recording(team.cluster.rest, team.path("jobs")) as workers:
        together(
            team, operator, *(image_job(name, "incoming/big.jpg", outputs=SLOW) for name in names)
        )
        pod = running_pod(team, "cat")
        team.kubectl("delete", "ij", "cat", "--wait=false")
        statuses = team.wait_all(is_finished, 2, SECONDS)
        team.wait_for_no_workers()

    assert {name: status["phase"] for name, status in statuses.items()} == {
        "dog": "Succeeded",
        "emu": "Succeeded",
    }
    assert {status["worker"]["pod"] for status in statuses.values()} == {pod["metadata"]["name"]}
    assert [sorted(names) for names in made_of(workers)] == [names]
    told = {line.name: line.reason for line in audit_log.read(operator.log) if line.name in names}
    assert told["cat"] == "Cancelled"


def test_a_trickle_is_a_worker_each(team: Tenant) -> None:
    names = [f"photo-{number}" for number in range(3)]

    with recording(team.cluster.rest, team.path("jobs")) as workers:
        for name in names:
            team.create([image_job(name)])
            team.wait_finished(name)

    assert made_of(workers) == [[name] for name in names]


def together(team: Tenant, operator: Program, *bodies: Body) -> None:
    """Create them while no operator runs, so that they all wait at the same moment."""
    operator.stop()
    team.create(bodies)
    operator.start()


def made_of(workers: list[Event]) -> list[list[str]]:
    """The ImageJobs of each worker Job, in the order of the Jobs' creation."""
    return [
        [owner["name"] for owner in event.object["metadata"]["ownerReferences"]]
        for event in workers
        if event.type == "ADDED"
    ]
