"""A gateway of this checkout under load, and its start."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import psutil
from imagebench.processes import cpu_clock, peak_rss
from imagejob_dev.cluster import Cluster
from support import gateway as gateways
from support.helm_chart import Helm
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imagejob_dev.program import Program

MIB = 1024 * 1024
NUMBER_BYTES = 8
"""In which an upload differs from all others."""


class Load(NamedTuple):
    """Seconds of CPU and bytes of memory. `wrong` has what isn't as it must be."""

    wrong: tuple[str, ...]
    seconds: float
    idle: int
    peak: int
    cpu: float
    cpu_of_s3: float


def load(folder: Path, count: int, megabytes: int, at_once: int) -> Load:
    """Upload, and check what is there afterwards."""
    head = picture()
    base = head + os.urandom(megabytes * 1_000_000 - len(head) - NUMBER_BYTES)
    digests = [""] * count
    with team_of(folder) as team, gateways.running(team, folder, limitPerSubject="9999/1h") as run:
        token = run.token(exp=int(time.time()) + 3600)

        def upload(number: int) -> int:
            data = base + number.to_bytes(NUMBER_BYTES, "big")
            digests[number] = hashlib.sha256(data).hexdigest()
            path = "/api/v1/images/upload"
            return run.request("POST", path, data, token, Content_Type="image/jpeg").status

        pids = _pid(run.program), _pid(team.cluster.s3)
        idle, before = psutil.Process(pids[0]).memory_info().rss, _cpu(pids)
        began = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            statuses = Counter(pool.map(upload, range(count)))
        seconds = time.monotonic() - began
        cpu, cpu_of_s3 = (end - start for start, end in zip(before, _cpu(pids), strict=True))
        peak = peak_rss(pids[0])
        wrong = tuple(_wrong(team, statuses, digests))
    return Load(wrong, seconds, idle, peak, cpu, cpu_of_s3)


def _wrong(team: Tenant, statuses: Counter[int], digests: list[str]) -> Iterator[str]:
    if set(statuses) != {202}:
        yield f"answers: {dict(statuses)}"
    found = team.cluster.rest.get(team.path("imagejobs"))["items"]
    jobs = Counter(job["spec"]["source"]["sha256"] for job in found)
    if jobs != Counter(digests):
        yield f"{jobs.total()} ImageJobs of {len(jobs)} contents, not {len(digests)}"
    keys = Counter(job["spec"]["source"]["key"] for job in found)
    if keys != Counter(team.keys()):
        yield f"{len(team.keys())} objects, which are not those of the ImageJobs"


@contextmanager
def team_of(folder: Path) -> Iterator[Tenant]:
    """A namespace with a store, a profile and the gateway's rights, on a cluster of its own."""
    with Cluster(folder / "cluster") as cluster:
        cluster.install()
        thumb = {"name": "thumb", "width": 32}
        with gateways.fresh_team(cluster, Helm(folder), thumb) as team:
            yield team


def _cpu(pids: Sequence[int]) -> list[float]:
    return [cpu_clock(pid) for pid in pids]


def _pid(program: Program) -> int:
    if program.pid is None:
        raise RuntimeError("the gateway or the S3 server doesn't run")
    return program.pid
