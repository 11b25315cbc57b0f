"""The sides, each on a fresh control plane: ours, the simplest kopf operator, and bare Jobs."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baselines import bare, naive
from imagebench.processes import cpu_clock, peak_rss

from operatorbench import accounting, crowd, finish
from operatorbench.plane import Plane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from imagejob_dev.program import Program

    from operatorbench.accounting import Requests
    from operatorbench.finish import Finish

SETTINGS = {"quota": "1000000/1h", "log_level": "WARNING"}
START_SECONDS = 60.0
WATCHES = 2
"""Of ImageJobs and Jobs: what every operator has."""


@dataclass(frozen=True)
class Run:
    """One side's way through `count`. CPU in seconds, by program; memory in bytes.

    `seconds` is from the first apply to the last one done, `applying` how long the applying took.
    `cpu` is up to then; `cpu_to_rest` until all that comes after is done, too: Events and tidying.
    """

    side: str
    count: int
    seconds: float
    applying: float
    cpu: Mapping[str, float]
    cpu_to_rest: Mapping[str, float]
    requests: Requests
    peak: int

    @property
    def rate(self) -> float:
        return self.count / self.seconds


@contextmanager
def fresh() -> Iterator[Plane]:
    """A control plane of its own, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-operator-") as folder,
        Plane(Path(folder)) as plane,
    ):
        yield plane


def imagejob(count: int, teams: int) -> Run:
    """This checkout's operator, with all that is installed with it."""
    with fresh() as plane:
        plane.install()
        namespaces = plane.namespaces(teams)
        crowd.furnish(plane.rest, namespaces)
        operator = plane.operator(**SETTINGS)
        with running(plane, operator):
            posts = crowd.image_jobs(namespaces, count)
            return _timed(
                ("imagejob", count),
                plane,
                operator,
                finish.image_jobs(plane.rest),
                lambda: crowd.create(plane.rest, posts),
            )


def kopf(count: int, teams: int) -> Run:
    """baselines/naive.py, with the CRDs and none of the policies."""
    with fresh() as plane:
        plane.install_kinds()
        namespaces = plane.namespaces(teams)
        operator = plane.baseline(Path(naive.__file__))
        with running(plane, operator):
            posts = crowd.image_jobs(namespaces, count)
            return _timed(
                ("kopf", count),
                plane,
                operator,
                finish.image_jobs(plane.rest),
                lambda: crowd.create(plane.rest, posts),
            )


def bare_jobs(count: int, teams: int) -> Run:
    """baselines/bare.py, on a control plane that knows nothing of ImageJobs."""
    with fresh() as plane:
        namespaces = plane.namespaces(teams)
        return _timed(
            ("bare Jobs", count),
            plane,
            None,
            finish.jobs(plane.rest),
            lambda: bare.create(plane, plane.folder, namespaces, count),
        )


def _timed(
    what: tuple[str, int],
    plane: Plane,
    operator: Program | None,
    done: Finish,
    apply: Callable[[], object],
) -> Run:
    """From the first apply to the last one done; then until the tidying is done, for the counts."""
    side, count = what
    pids = {**plane.pids(), **({"operator": operator.pid} if operator and operator.pid else {})}
    before, clocks = accounting.settled(plane.rest), _clocks(pids)
    began = time.monotonic()
    apply()
    applied = time.monotonic()
    ended = done.wait(count)
    cpu = _since(clocks, _clocks(pids))
    requests = accounting.settled(plane.rest).since(before)
    to_rest = _since(clocks, _clocks(pids))
    peak = peak_rss(pids["operator"]) if operator else 0
    return Run(side, count, ended - began, applied - began, cpu, to_rest, requests, peak)


def settled(plane: Plane, seconds: float) -> Requests:
    """See `accounting.settled`."""
    return accounting.settled(plane.rest, seconds=seconds)


def _clocks(pids: Mapping[str, int]) -> dict[str, float]:
    """Of the benchmark too: it applies, or has kubectl do so, and watches."""
    applying = sum(os.times()[:4])
    return {name: cpu_clock(pid) for name, pid in pids.items()} | {"applying": applying}


def _since(before: Mapping[str, float], now: Mapping[str, float]) -> Mapping[str, float]:
    return {name: value - before[name] for name, value in now.items()}


@contextmanager
def running(plane: Plane, operator: Program) -> Iterator[None]:
    """An operator, from when it watches on."""
    operator.start()
    try:
        _wait_until_it_watches(plane)
        yield
    finally:
        operator.stop()


def _wait_until_it_watches(plane: Plane) -> None:
    deadline = time.monotonic() + START_SECONDS
    watching = accounting.Request("watch", accounting.REST)
    while accounting.read(plane.rest).operator[watching] < WATCHES:
        if time.monotonic() > deadline:
            raise TimeoutError("the operator does not begin to watch")
        time.sleep(0.1)


SIDES: dict[str, Callable[[int, int], Run]] = {
    "imagejob": imagejob,
    "kopf": kopf,
    "bare Jobs": bare_jobs,
}
