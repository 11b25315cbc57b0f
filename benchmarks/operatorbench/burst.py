"""A burst: ImageJobs of many teams at once, ours against the rivals, and where the machine goes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operatorbench import raw, sides
from operatorbench.figures import MIB, Part, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from operatorbench.accounting import Request
    from operatorbench.raw import Taken
    from operatorbench.sides import Run

TIMES_KOPF, TIMES_BARE, RATE = 6, 3, 100
OWN_WRITES, ALL_WRITES = 2.2, 3.8


@dataclass(frozen=True)
class Size:
    """Of a burst, and how often each side does it."""

    count: int
    teams: int
    runs: int
    raw: int


def measure(size: Size) -> Part:
    """Every side in turn; the median run of each counts."""
    runs: dict[str, list[Run]] = {name: [] for name in sides.SIDES}
    for number in range(size.runs):
        for name, side in sides.SIDES.items():
            print(f"   {name}, run {number + 1} of {size.runs} …", flush=True)
            runs[name].append(side(size.count, size.teams))
    taken = raw.measure(size.raw)
    return report(size, [_middle(each) for each in runs.values()], runs, taken)


def _middle(runs: Sequence[Run]) -> Run:
    """The run of the median rate (of an even number, the slower of the two)."""
    return sorted(runs, key=lambda run: run.rate)[(len(runs) - 1) // 2]


def report(
    size: Size, shown: Sequence[Run], runs: dict[str, list[Run]], taken: Sequence[Taken]
) -> Part:
    """The table, the arithmetic and the targets."""
    ours, kopf, bare = shown
    everybody, own = (writes / ours.count for writes in ours.requests.writes())
    return Part(
        "burst",
        f"{size.count} ImageJobs in {size.teams} namespaces, from first apply to last Succeeded",
        _table(shown),
        [*_arithmetic(ours), *_kinds(ours), *map(str, taken)],
        [
            Target("ImageJobs/s", ours.rate, "at least", RATE, "/s"),
            Target("against the kopf operator", ours.rate / kopf.rate, "at least", TIMES_KOPF, "x"),
            Target("against bare Jobs", ours.rate / bare.rate, "at least", TIMES_BARE, "x"),
            Target("writes by the operator", own, "at most", OWN_WRITES, "each"),
            Target("writes by everybody", everybody, "at most", ALL_WRITES, "each"),
        ],
        {
            "runs": {name: [as_json(run) for run in each] for name, each in runs.items()},
            "raw": [each.as_json() for each in taken],
        },
    )


def as_json(run: Run) -> dict[str, object]:
    """Requests and CPU as they were counted, not divided."""
    return {
        "side": run.side,
        "count": run.count,
        "seconds": run.seconds,
        "applyingSeconds": run.applying,
        "perSecond": run.rate,
        "cpuSeconds": dict(run.cpu),
        "cpuSecondsToRest": dict(run.cpu_to_rest),
        "writes": {str(kind): n for kind, n in run.requests.everybody.items()},
        "operatorRequests": {str(kind): n for kind, n in run.requests.operator.items()},
        "operatorPeakBytes": run.peak,
    }


def _table(shown: Sequence[Run]) -> list[list[str]]:
    ours = shown[0]
    head = ["", "/s", "imagejob is", "applied in", "done in", "writes each", "by operator"]
    return [[*head, "CPU ms each", "operator", "its MiB"], *(_row(ours, run) for run in shown)]


def _row(ours: Run, run: Run) -> list[str]:
    everybody, own = run.requests.writes()
    operator = run.cpu.get("operator")
    return [
        run.side,
        f"{run.rate:.1f}",
        "" if run is ours else f"{ours.rate / run.rate:.2f} x",
        f"{run.applying:.1f} s",
        f"{run.seconds:.1f} s",
        f"{everybody / run.count:.2f}",
        f"{own / run.count:.2f}" if operator else "",
        f"{sum(run.cpu.values()) / run.count * 1e3:.1f}",
        f"{operator / run.count * 1e3:.1f}" if operator else "",
        f"{run.peak / MIB:.0f}" if run.peak else "",
    ]


def _arithmetic(run: Run) -> Iterator[str]:
    """What the rate can be at most on this machine, from what one ImageJob costs."""
    cores = len(os.sched_getaffinity(0))
    total = sum(run.cpu.values()) / run.count * 1e3
    parts = ", ".join(f"{name} {value / run.count * 1e3:.2f}" for name, value in run.cpu.items())
    writes = run.requests.writes()[0] / run.count
    server = (run.cpu["kube-apiserver"] + run.cpu["etcd"]) / run.count * 1e3
    most = cores / total * 1e3
    rest = sum(run.cpu_to_rest.values()) / run.count * 1e3
    yield f"CPU ms per ImageJob: {parts}"
    yield f"with the Events and the tidying that come after the last Succeeded: {rest:.1f} ms"
    yield (
        f"{writes:.2f} writes x {server / writes:.2f} ms of API server and etcd = {server:.1f} ms,"
        f" {total - server:.1f} ms of the rest; {cores} cores / {total:.1f} ms = at most"
        f" {most:.0f} /s; reached {run.rate:.0f}, that is {run.rate / most * 100:.0f} %"
    )


def _kinds(run: Run) -> Iterator[str]:
    own = {kind: n for kind, n in run.requests.operator.items() if kind.is_write}
    yield f"writes per ImageJob by the operator: {_shares(own, run.count)}"
    yield f"writes per ImageJob by everybody: {_shares(run.requests.everybody, run.count)}"
    reads = [(n, kind) for kind, n in run.requests.operator.items() if not kind.is_write]
    yield f"reads by the operator in all: {', '.join(f'{n} {kind.verb}' for n, kind in reads)}"


def _shares(kinds: dict[Request, int], count: int) -> str:
    ordered = sorted(kinds.items(), key=lambda each: -each[1])
    return ", ".join(f"{kind} {n / count:.3f}" for kind, n in ordered if n / count >= 0.001)
