"""Lines of waiting ImageJobs: real ones, on a control plane of their own with one operator."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagejob_dev.cluster import Cluster
from imagejob_dev.errors import DevError
from imagejob_operator.quota.rates import parse_rate

from waitbench.requests import Spent, Writes, settled, spent, writes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagejob_dev.program import Program

    Team = Any  # tests/support/tenant.py's Tenant

TESTS = Path(__file__).resolve().parents[2] / "tests"
NAMESPACE = "team"
PAGE = 500
FIRST_SECONDS = 300.0
DEFAULT_QUOTA = 50  # an hour, without an ImageQuota


@dataclass(frozen=True)
class Step:
    """`added` ImageJobs came to a line, which then had `size`, and all were told their place."""

    size: int
    added: int
    cpu: float
    seconds: float
    writes: Writes

    @property
    def cpu_each(self) -> float:
        return self.cpu / self.added


@dataclass(frozen=True)
class Calm:
    """What happened in `seconds` in which nothing changed."""

    seconds: float
    cpu: float
    writes: Writes
    rss: int
    peak: int


@dataclass(frozen=True)
class Growth:
    """A line that grew, then stood still. `shown` of the ImageJobs in it tell their place."""

    steps: list[Step]
    calm: Calm
    shown: int


@dataclass(frozen=True)
class Wait:
    """A line from its first ImageJob to its last: `refreshes` are writes that only tell a place."""

    count: int
    quota: str
    admitted: int
    refreshes: int
    seconds: float
    cpu: float


def grow(folder: Path, sizes: Sequence[int], idle: float, program: Sequence[str]) -> Growth:
    """A line behind a quota that is used up, which grows to each of `sizes`."""
    with _team(folder) as team, _operator(team.cluster, program) as operator:
        team.create(_bodies("first", range(DEFAULT_QUOTA)))  # their workers find no source
        team.wait_all(_is_finished, DEFAULT_QUOTA, FIRST_SECONDS)
        settled(team.cluster.rest, 5.0)
        steps, size = [], 0
        for wanted in sizes:
            steps.append(_add(team, operator, size, wanted))
            size = wanted
            print(f"   {size} wait, after {steps[-1].seconds:.0f} s", flush=True)
        calm = _stand(team, operator, idle)
        return Growth(steps, calm, _shown(team))


def whole_wait(folder: Path, count: int, quota: str, program: Sequence[str]) -> Wait:
    """Until the last of `count` is admitted. No worker runs: none of their pods gets a node.

    An ImageJob's transitions come with an Event each, so every other status write is a refresh.
    """
    with _team(folder) as team:
        team.cluster.scheduler.stop()
        with _operator(team.cluster, program, quota=quota, max_workers="1") as operator:
            before, began = writes(team.cluster.rest), time.monotonic()
            team.create(_bodies("photo", range(count)))
            quiet = 3.0 + parse_rate(quota).window / 1000
            made = settled(team.cluster.rest, quiet) - before
            seconds = time.monotonic() - began - quiet
            admitted = sum(_is_admitted(status) for status in _statuses(team))
            refreshes = made.statuses - made.events
            return Wait(count, quota, admitted, refreshes, seconds, _spent(operator).cpu)


def _add(team: Team, operator: Program, size: int, wanted: int) -> Step:
    """Settled means: for longer than the operator leaves between two looks at the whole line."""
    rest = team.cluster.rest
    before, spent_before, began = writes(rest), _spent(operator), time.monotonic()
    team.create(_bodies("photo", range(size, wanted)))
    after = settled(rest, 3.0 + 1.2 * wanted / 1000)
    seconds = time.monotonic() - began
    cpu = _spent(operator).cpu - spent_before.cpu
    return Step(wanted, wanted - size, cpu, seconds, after - before)


def _stand(team: Team, operator: Program, seconds: float) -> Calm:
    before, writes_before = _spent(operator), writes(team.cluster.rest)
    time.sleep(seconds)
    after = _spent(operator)
    made = writes(team.cluster.rest) - writes_before
    return Calm(seconds, after.cpu - before.cpu, made, after.rss, after.peak)


def _spent(operator: Program) -> Spent:
    """DevError, with the end of its log, if it has ended."""
    if not operator.running or not operator.pid:
        raise DevError(f"the operator has ended. {operator.log_end()}")
    return spent(operator.pid)


@contextmanager
def _team(folder: Path) -> Iterator[Team]:
    """A control plane of its own, and on it a namespace with a store that holds nothing."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    from support.tenant import Tenant  # the tests' way to make thousands of ImageJobs

    with Cluster(folder) as cluster:
        cluster.install()
        cluster.rest.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        cluster.wait_for(
            f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", lambda any_: any_ or None
        )
        team = Tenant(cluster, NAMESPACE)
        team.open()
        yield team


@contextmanager
def _operator(cluster: Cluster, program: Sequence[str], **settings: str) -> Iterator[Program]:
    operator = cluster.operator(program=program, **settings)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()


def _bodies(name: str, numbers: range) -> list[dict[str, Any]]:
    from support.tenant import image_job

    return [image_job(f"{name}-{number:05}", "incoming/none.jpg") for number in numbers]


def _statuses(team: Team) -> Iterator[dict[str, Any]]:
    more = ""
    while True:
        page = team.cluster.rest.get(f"{team.path('imagejobs')}?limit={PAGE}&continue={more}")
        yield from (job.get("status", {}) for job in page["items"])
        more = page["metadata"].get("continue", "")
        if not more:
            return


def _shown(team: Team) -> int:
    return sum(
        status.get("phase") == "Throttled" and "position" in status.get("queue", {})
        for status in _statuses(team)
    )


def _is_finished(status: dict[str, Any]) -> bool:
    return status.get("phase") in ("Succeeded", "Failed")


def _is_admitted(status: dict[str, Any]) -> bool:
    truths = {each["type"]: each["status"] for each in status.get("conditions", [])}
    return truths.get("Admitted") == "True"
