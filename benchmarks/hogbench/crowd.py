"""The twenty and the hogs on a dev cluster: real workers, a real S3 server, stores that drip."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagejob_dev.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TESTS = Path(__file__).resolve().parents[2] / "tests"
WORKERS, TEAMS, HOGS = 8, 20, 2
SETTINGS = {
    "max_workers": str(WORKERS),
    "quota": "1000000/1h",
    # Eight of any kind have room on a node of two cores, or it would decide, and not we.
    "worker_cpu_millis": "50",
    "worker_memory": "384Mi",
    "child_memory": "256Mi",
}
HOG_IMAGE_JOBS = 200  # of each: many full workers
KEY, SIDE = "incoming/tiny.jpg", (64, 48)
CONNECTIONS = 8
SECONDS = 900.0
DONE = "/apis/imagejob.dev/v1alpha1/imagejobs?fieldSelector=status.phase=Succeeded"
JOBS = "/apis/batch/v1/jobs"

Team = Any  # tests/support/tenant.py's Tenant
Hog = Any  # tests/support/dripping.py's


class Crowd:
    """Twenty teams with a picture each, and two hogs, on one cluster with one operator."""

    def __init__(self, cluster: Cluster, teams: Sequence[Team], hogs: Sequence[Hog]) -> None:
        self.cluster, self.teams, self.hogs = cluster, teams, hogs

    def backlog(self, name: str, each: int) -> float:
        """Have every team apply so many ImageJobs at once. When that began, by time.monotonic()."""
        from support.tenant import image_job

        bodies = [image_job(f"{name}-{number}", KEY) for number in range(each)]
        began = time.monotonic()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda team: team.create(bodies), self.teams))
        return began

    def done(self, most: int, until: float) -> int:
        """How many of the twenty's have succeeded, at that time, or when `most` have before."""

        def enough(jobs: list[Any]) -> int | None:
            return len(jobs) if len(jobs) >= most or time.monotonic() >= until else None

        return self.cluster.wait_for(DONE, enough, SECONDS)

    def wait_for_hogs(self, count: int) -> None:
        """Until they have so many workers."""
        names = {hog.namespace for hog in self.hogs}

        def are_there(jobs: list[Any]) -> bool | None:
            held = [job for job in jobs if job["metadata"]["namespace"] in names]
            return len(held) >= count or None

        self.cluster.wait_for(JOBS, are_there, SECONDS)

    def begin_hogs(self, name: str) -> None:
        for hog in self.hogs:
            hog.begin(HOG_IMAGE_JOBS, name)

    def held_by_hogs(self) -> list[int]:
        return [hog.workers() for hog in self.hogs]

    def end(self) -> None:
        """Delete all ImageJobs, and with those their workers."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            delete = ("delete", "ij", "--all", "--wait=false")
            list(pool.map(lambda each: each.kubectl(*delete), (*self.hogs, *self.teams)))
        self.cluster.wait_for(JOBS, lambda jobs: not jobs or None, SECONDS)


@contextmanager
def gathered(folder: Path) -> Iterator[Crowd]:
    """All of them, with what they need, and the operator at work."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    from support.dripping import Hog, drip
    from support.s3_stores import Stub, serving
    from support.tenant import Tenant, picture

    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(folder))
        cluster.install()
        stub = stack.enter_context(serving(Stub(drip)))
        names = [f"team-{number:02}" for number in range(TEAMS)]
        teams = [Tenant(cluster, _made(cluster, name)) for name in names]
        hogs = [Hog(cluster, _made(cluster, f"hog-{number}"), stub) for number in range(HOGS)]
        for team in teams:
            team.put(KEY, picture(*SIDE))
        for each in (*teams, *hogs):
            each.open()
        stack.enter_context(cluster.operator("hogs-operator", **SETTINGS))
        yield Crowd(cluster, teams, hogs)


def _made(cluster: Cluster, name: str) -> str:
    cluster.rest.post("/api/v1/namespaces", {"metadata": {"name": name}})
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    cluster.wait_for(accounts, lambda any_: any_ or None)
    return name
