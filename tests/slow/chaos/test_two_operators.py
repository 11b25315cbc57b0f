"""Two operators at once, without a leader: the ledger alone enforces the quota."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support import audit_log
from support.conditions import until
from support.ledgers import charges
from support.pauses import paused_at_random
from support.recorder import owners, recording
from support.replicas import Replica
from support.tenant import Tenant, image_job, is_finished, picture
from support.windows import ideal, most_in_any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program
    from support.crowd import Made

pytestmark = pytest.mark.crowd

JOBS = 500
LIMIT, WINDOW = 50, timedelta(seconds=10)
SLOT = WINDOW / 120
BODIES = [image_job(f"photo-{number}", "incoming/photo.jpg") for number in range(JOBS)]
SECONDS = 900.0  # on a real kubelet, where a pod takes its time
SEED = 4
OK = 200


@dataclass(frozen=True)
class Pair:
    """Two operators under one account, both working, and their tenant."""

    team: Tenant
    operators: tuple[Program, Program]

    @property
    def logs(self) -> list[Path]:
        return [operator.log for operator in self.operators]


@pytest.fixture
def pair(cluster: Client, namespace: str) -> Iterator[Pair]:
    team = Tenant(cluster, namespace)
    team.open()
    team.quota(f"{LIMIT}/{WINDOW.seconds}s")
    team.put("incoming/photo.jpg", picture(64, 64))
    one, other = (
        Replica(cluster, f"{which}-of-two-{namespace}", leader_election="false", max_workers="4")
        for which in ("one", "other")
    )
    with one.program, other.program:
        until(lambda: one.ready.status == other.ready.status == OK)
        yield Pair(team, (one.program, other.program))


def test_two_operators_keep_the_quota_and_its_pace(
    pair: Pair, record_property: Callable[[str, object], None], pytestconfig: pytest.Config
) -> None:
    made, admitted = run(pair)

    best = ideal([each.at for each in made], LIMIT, WINDOW)
    late = max(admitted) - best[-1]
    record_property("last of 500 admitted after the ideal", late)
    assert late <= (SLOT if pytestconfig.option.calm else WINDOW) * (JOBS / LIMIT)


def test_paused_at_random_they_keep_the_quota(
    pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    one, other = pair.operators
    dice = random.Random(SEED)
    with (
        paused_at_random(one, random.Random(dice.random())) as first,
        paused_at_random(other, random.Random(dice.random())) as second,
    ):
        run(pair)

    record_property("pauses of each", (len(first), len(second)))
    assert min(len(first), len(second)) >= JOBS / LIMIT


def run(pair: Pair) -> tuple[list[Made], list[datetime]]:
    """Process everything and check the guarantees; return what was made, and the admissions."""
    team = pair.team
    with recording(team.cluster.rest, team.path("jobs")) as workers:
        made = team.create(BODIES)
        ended = team.wait_all(is_finished, JOBS, SECONDS)
    # Both may report an admission, under different numbers, but then with the same time.
    uids = {each.uid for each in made}
    lines = [line for line in audit_log.printed(*pair.logs) if line.uid in uids]
    told = audit_log.times_of(lines, "Admitted")
    admitted = [time for times in told.values() for time in set(times)]

    assert Counter(status["phase"] for status in ended.values()) == {"Succeeded": JOBS}
    assert len(admitted) == len(told) == JOBS
    assert most_in_any(WINDOW, admitted) <= LIMIT
    assert charges(team.cluster, team.namespace) == JOBS
    assert owners(workers) == {each.name: 1 for each in made}
    return made, admitted
