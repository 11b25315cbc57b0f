"""The operator is killed before and after every outside effect, over a hundred times in one run."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest
from imagejob_operator.kube.resources import UNFINISHED
from support import audit_log, conditions, failing_program
from support.failing_program import KILLED, FailPoint, Life
from support.ledgers import charges
from support.recorder import Event, owners, recording
from support.tenant import Body, Tenant, image_job, is_finished, picture

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.client import Client
    from support.audit_log import Line
    from support.failing_program import Moment

pytestmark = pytest.mark.crowd

MOMENTS: tuple[Moment, ...] = ("before", "after")
CLUSTER, EVENTS = "imagejob_operator.kube.client:Cluster", "imagejob_operator.kube.events:Events"
EFFECTS = {
    **dict.fromkeys(("write_ledger", "create_worker", "write_status"), CLUSTER),
    "post": EVENTS,
    "delete_worker": CLUSTER,
}
KINDS = [(effect, moment) for effect in EFFECTS for moment in MOMENTS]
ROUNDS = 11
SEED = 4
SECONDS = 400.0

JOBS = 200
PICTURES = {f"incoming/{side}.jpg": picture(side, side) for side in (320, 400, 480, 560)}
SOURCES = {f"photo-{number}": list(PICTURES)[number % len(PICTURES)] for number in range(JOBS)}
AT_ONCE = 2  # run at most, in one worker or in two, so that each life finds work for every effect


@dataclass(frozen=True)
class Run:
    """The results of the ImageJobs.

    `expected`: key of a source → SHA-256 of the output of an undisturbed worker.
    """

    team: Tenant
    lives: list[Life]
    statuses: dict[str, Body]
    audit: list[Line]
    workers: list[Event]
    expected: dict[str, str]


def plan() -> list[FailPoint]:
    """Every kind of fail point in each round; not always at a life's first opportunity."""
    dice = random.Random(SEED)
    points = []
    for _ in range(ROUNDS):
        dice.shuffle(KINDS)
        points += [
            FailPoint(effect, moment, EFFECTS[effect], dice.choice((1, 1, 2)))
            for effect, moment in KINDS
        ]
    return points


@pytest.fixture(scope="module")
def run(cluster: Client, shared_namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    team = Tenant(cluster, shared_namespace)
    team.open()
    team.quota("1000/1h", maxRunning=AT_ONCE)
    for key, data in PICTURES.items():
        team.put(key, data)
    expected = _undisturbed(team)

    folder = tmp_path_factory.mktemp("failpoints")
    points = plan()
    (folder / "plan").write_bytes(msgspec.json.encode(points))
    program = (
        failing_program.__file__,
        "imagejob_operator.__main__",
        folder / "plan",
        folder / "report",
    )
    with (
        recording(cluster.rest, team.path("jobs")) as workers,
        cluster.operator("failing-operator", program) as operator,
    ):
        _apply_as_they_are_needed(team, points, folder / "report")
        team.wait_all(is_finished, JOBS + len(PICTURES), SECONDS)
        team.wait_for_no_workers()
    return Run(
        team=team,
        lives=failing_program.lives(folder / "report"),
        statuses={name: team.status(name) for name in SOURCES},
        audit=audit_log.read(operator.log),
        workers=workers,
        expected=expected,
    )


def test_it_was_killed_at_every_effect(run: Run) -> None:
    ends = Counter(life.outcome for life in run.lives)
    kinds = {(life.point.effect, life.point.moment) for life in run.lives if life.point}

    assert set(ends) == {KILLED}
    assert ends[KILLED] >= 100
    assert kinds == set(KINDS)


def test_every_output_is_there_and_right(run: Run) -> None:
    outputs = {name: status.get("outputs") for name, status in run.statuses.items()}
    told = {name: each[0]["sha256"] for name, each in outputs.items() if each}
    stored = {
        name: hashlib.sha256(run.team.get(f"derived/{name}/thumb.jpg")).hexdigest()
        for name in SOURCES
    }

    assert {status["phase"] for status in run.statuses.values()} == {"Succeeded"}
    assert stored == {name: run.expected[key] for name, key in SOURCES.items()}
    assert told == stored


def test_each_was_charged_once(run: Run) -> None:
    admissions = audit_log.times_of(run.audit, "Admitted")

    assert charges(run.team.cluster, run.team.namespace) == JOBS + len(PICTURES)
    assert Counter(map(len, admissions.values())) == {1: JOBS}


def test_the_audit_has_no_hole(run: Run) -> None:
    shown = [[entry["seq"] for entry in status["audit"]] for status in run.statuses.values()]
    last = {line.name: line.event for line in run.audit}  # they come in the order of numbers

    assert shown == [list(range(1, len(seqs) + 1)) for seqs in shown]
    assert audit_log.holes(run.audit) == []
    assert last == dict.fromkeys(SOURCES, "Succeeded")


def test_none_was_processed_by_two_workers(run: Run) -> None:
    assert owners(run.workers) == dict.fromkeys(SOURCES, 1)


def _apply_as_they_are_needed(team: Tenant, points: list[FailPoint], report: Path) -> None:
    """Apply one more when a life has ended or is idle: each life finds every effect."""
    left = [image_job(name, key) for name, key in SOURCES.items()]
    unfinished = f"{team.path('imagejobs')}?fieldSelector={UNFINISHED}"
    ended = 0

    def is_wanted() -> bool:
        if _ended(report) > ended:
            return True
        # A worker that has ended is deleted some time later.
        paths = [unfinished, *([team.path("jobs")] if "delete" in points[ended].effect else [])]
        return not any(team.cluster.rest.get(path)["items"] for path in paths)

    while left and ended < len(points):
        conditions.until(is_wanted, SECONDS, every=0.1)
        ended = _ended(report)
        team.create([left.pop(0)])
    team.create(left)


def _ended(report: Path) -> int:
    """The number of lives that have ended."""
    return len(failing_program.lives(report)) if report.exists() else 0


def _undisturbed(team: Tenant) -> dict[str, str]:
    """The outputs of the images when nothing is killed."""
    names = {f"reference-{number}": key for number, key in enumerate(PICTURES)}
    with team.cluster.operator("undisturbed-operator"):
        team.apply(*(image_job(name, key) for name, key in names.items()))
        ended = {key: team.wait_finished(name) for name, key in names.items()}
        team.wait_for_no_workers()
    return {key: status["outputs"][0]["sha256"] for key, status in ended.items()}
