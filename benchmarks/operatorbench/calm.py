"""What an operator costs that has little to do: with much history, and with many that wait."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from imagebench.processes import cpu_clock, peak_rss

from operatorbench import accounting, bulk, crowd, finish, sides
from operatorbench.figures import MIB, Part, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.program import Program

    from operatorbench.plane import Plane

START_SECONDS, START_MIB, CALM_CORE = 5.0, 150, 5.0
THROTTLED_SECONDS = 1800.0
TIGHT_QUOTA = {"limits": [{"jobs": 1, "per": "7d"}]}
DISPATCH = "/apis/batch/v1/jobs"


@dataclass(frozen=True)
class History:
    """An operator that starts among many finished ImageJobs: seconds to its first Job; bytes."""

    finished: int
    seconds: float
    peak: int


@dataclass(frozen=True)
class Calm:
    """Seconds of CPU in `seconds` in which nothing changed, and the writes that were made then."""

    throttled: int
    seconds: float
    cpu: float
    writes: int
    peak: int

    @property
    def percent(self) -> float:
        return self.cpu / self.seconds * 100


def measure(finished: int, throttled: int, idle: float, teams: int) -> Part:
    """Each on a fresh control plane."""
    print(f"   imagejob among {finished} finished …", flush=True)
    history = _history(finished, teams)
    print(f"   imagejob with {throttled} throttled …", flush=True)
    return report(history, _calm(throttled, idle, teams))


def report(history: History, calm: Calm) -> Part:
    """Two rows and their targets."""
    return Part(
        "calm",
        "an operator that has little to do",
        [
            ["", "first dispatch", "CPU of a core", "peak MiB", "writes"],
            [
                f"{history.finished} finished",
                f"{history.seconds:.2f} s",
                "",
                f"{history.peak / MIB:.0f}",
                "",
            ],
            [
                f"{calm.throttled} throttled, {calm.seconds:.0f} s of calm",
                "",
                f"{calm.percent:.2f} %",
                f"{calm.peak / MIB:.0f}",
                str(calm.writes),
            ],
        ],
        [],
        [
            Target("start to first dispatch", history.seconds, "at most", START_SECONDS, "s"),
            Target("RSS among the finished", history.peak / MIB, "at most", START_MIB, "MiB"),
            Target("CPU with all throttled", calm.percent, "at most", CALM_CORE, "% of a core"),
        ],
        {"history": asdict(history), "calm": asdict(calm)},
    )


def _history(count: int, teams: int) -> History:
    with sides.fresh() as plane:
        plane.install()
        namespaces = plane.namespaces(teams)
        crowd.furnish(plane.rest, namespaces)
        bulk.multiply(plane, _one_finished(plane, namespaces), namespaces, count)
        crowd.create(plane.rest, crowd.image_jobs(namespaces, 1, prefix="new"))
        operator = plane.operator("again", **sides.SETTINGS)
        began = time.monotonic()
        operator.start()
        try:
            plane.wait_for(DISPATCH, lambda jobs: jobs or None, 60.0)
            seconds = time.monotonic() - began
            sides.settled(plane, 60.0)
            return History(count, seconds, peak_rss(_pid(operator)))
        finally:
            operator.stop()


def _one_finished(plane: Plane, namespaces: Sequence[str]) -> dict[str, object]:
    """What an ImageJob is like that went all the way, by an operator that is gone by now.

    One did in each namespace, so that each has its ledger: it would be rebuilt from all of them.
    """
    operator = plane.operator("first", **sides.SETTINGS)
    with sides.running(plane, operator):
        done = finish.image_jobs(plane.rest)
        count = len(namespaces)
        crowd.create(plane.rest, crowd.image_jobs(namespaces, count, prefix="first"))
        done.wait(count)
        plane.wait_for(DISPATCH, lambda jobs: None if jobs else True)
        sides.settled(plane, 60.0)
    return plane.rest.get(f"{crowd.API}/namespaces/{namespaces[0]}/imagejobs/first-000000")


def _calm(count: int, idle: float, teams: int) -> Calm:
    with sides.fresh() as plane:
        plane.install()
        namespaces = plane.namespaces(teams)
        crowd.furnish(plane.rest, namespaces, TIGHT_QUOTA)
        operator = plane.operator(**sides.SETTINGS)
        with sides.running(plane, operator):
            crowd.create(plane.rest, crowd.image_jobs(namespaces, count))
            sides.settled(plane, THROTTLED_SECONDS)
            before, clock = accounting.read(plane.rest), cpu_clock(_pid(operator))
            time.sleep(idle)
            cpu = cpu_clock(_pid(operator)) - clock
            _, writes = accounting.read(plane.rest).since(before).writes()
            return Calm(count, idle, cpu, writes, peak_rss(_pid(operator)))


def _pid(operator: Program) -> int:
    """DevError, with the end of its log, if it has ended."""
    operator.wait_ready()
    assert operator.pid  # noqa: S101 (tells mypy)
    return operator.pid
