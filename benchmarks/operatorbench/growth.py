"""How cost grows with the number of ImageJobs, and what the operator holds in memory meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebench.processes import peak_rss

from operatorbench import crowd, sides
from operatorbench.burst import as_json
from operatorbench.figures import MIB, Part, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operatorbench.sides import Run

TIMES, UNFINISHED_MIB = 1.2, 250
UNFINISHED_SECONDS = 600.0


def measure(counts: Sequence[int], teams: int) -> Part:
    """A fresh control plane for each; the second of `counts` is what the last is held against."""
    runs = []
    for count in counts:
        print(f"   imagejob with {count} …", flush=True)
        runs.append(sides.imagejob(count, teams))
    print(f"   imagejob with {counts[-1]} that don't finish …", flush=True)
    return report(runs, _unfinished(counts[-1], teams))


def report(runs: Sequence[Run], unfinished: int) -> Part:
    """Time for each ImageJob against that at the second smallest; `unfinished` in bytes."""
    base, last = runs[min(1, len(runs) - 1)], runs[-1]
    growth = (last.seconds / last.count) / (base.seconds / base.count)
    what = f"time per ImageJob at {last.count} against {base.count}"
    return Part(
        "growth",
        "time and memory by the number of ImageJobs",
        _table(runs),
        [f"the operator held {unfinished / MIB:.0f} MiB with {last.count} unfinished"],
        [
            Target(what, growth, "at most", TIMES, "x"),
            Target("RSS, all unfinished", unfinished / MIB, "at most", UNFINISHED_MIB, "MiB"),
        ],
        {"runs": [as_json(run) for run in runs], "unfinishedPeakBytes": unfinished},
    )


def _table(runs: Sequence[Run]) -> list[list[str]]:
    head = [
        "ImageJobs",
        "/s",
        "ms each",
        "CPU ms each",
        "operator's",
        "its peak MiB",
        "writes each",
    ]
    return [head, *(_row(run) for run in runs)]


def _row(run: Run) -> list[str]:
    return [
        str(run.count),
        f"{run.rate:.1f}",
        f"{run.seconds / run.count * 1e3:.2f}",
        f"{sum(run.cpu.values()) / run.count * 1e3:.1f}",
        f"{run.cpu['operator'] / run.count * 1e3:.1f}",
        f"{run.peak / MIB:.0f}",
        f"{run.requests.writes()[0] / run.count:.2f}",
    ]


def _unfinished(count: int, teams: int) -> int:
    """The operator's peak with no scheduler: pods get no node, so all ImageJobs stay unfinished.

    It is started once they are there, so that it lists them as well as watches them.
    """
    with sides.fresh() as plane:
        plane.install()
        namespaces = plane.namespaces(teams)
        crowd.furnish(plane.rest, namespaces)
        plane.scheduler.stop()
        crowd.create(plane.rest, crowd.image_jobs(namespaces, count))
        operator = plane.operator(**sides.SETTINGS)
        with sides.running(plane, operator):
            sides.settled(plane, UNFINISHED_SECONDS)
            assert operator.pid  # noqa: S101 (tells mypy)
            return peak_rss(operator.pid)
