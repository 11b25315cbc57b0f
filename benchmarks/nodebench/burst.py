"""Many photos at once: ImageJobs against a Job for each, and against a pool in one container."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from operatorbench.figures import Part, Target

from nodebench.sides import SIDES
from nodebench.watching import FailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodebench.manifests import Model
    from nodebench.sides import Run
    from nodebench.site import Site

TIMES_BARE, TIMES_POOL = 8.0, 1.5


def measure(site: Site, model: Model, rounds: int) -> Part:
    """Every side in turn; the median run of each counts. FailedError if outputs differ."""
    runs: dict[str, list[Run]] = {name: [] for name in SIDES}
    for number in range(rounds):
        for name, side in SIDES.items():
            print(f"   {name}, run {number + 1} of {rounds} …", flush=True)
            runs[name].append(side(site, model, f"burst/{name.replace(' ', '-')}-{number}"))
    digests = {run.digest for each in runs.values() for run in each}
    if len(digests) > 1:
        raise FailedError("the sides have not made the same pictures")
    return report(len(site.photos), runs)


def report(count: int, runs: dict[str, list[Run]]) -> Part:
    """The table and the targets; `runs` of ImageJobs, bare Jobs and the pool, in this order."""
    ours, bare, pool = shown = [_middle(each) for each in runs.values()]
    inside = pool.inside or 0.0
    return Part(
        "burst",
        f"{count} photos of 3 MP to WebP of 320 px, from first apply to last done",
        _table(shown),
        [
            f"pods x ImageJobs of each: {counted(ours.pods)}",
            f"by its own clock, without its pod's start and end, the pool took {inside:.1f} s",
            f"against that ImageJobs took {ours.seconds / inside:.2f} x",
            f"all sides made the same {count} files: {ours.digest[:16]}…",
        ],
        [
            Target("against bare Jobs", bare.seconds / ours.seconds, "at least", TIMES_BARE, "x"),
            Target("against the pool", ours.seconds / pool.seconds, "at most", TIMES_POOL, "x"),
        ],
        {name: [run.as_json() for run in each] for name, each in runs.items()},
    )


def _middle(runs: Sequence[Run]) -> Run:
    """The run of the median time (of an even number, the slower of the two)."""
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def _table(shown: Sequence[Run]) -> list[list[str]]:
    ours = shown[0]
    head = ["", "done in", "photos/s", "ms each", "pods", "takes, against ImageJobs"]
    return [head, *(_row(run, run.seconds / ours.seconds) for run in shown)]


def _row(run: Run, ratio: float) -> list[str]:
    return [
        run.side,
        f"{run.seconds:.1f} s",
        f"{run.count / run.seconds:.1f}",
        f"{run.seconds / run.count * 1e3:.0f}",
        str(len(run.pods)),
        f"{ratio:.2f} x",
    ]


def counted(sizes: Sequence[int]) -> str:
    """Such as `3 x 16, 1 x 2`: three pods of sixteen, one of two."""
    return ", ".join(f"{number} x {size}" for size, number in Counter(sizes).items())
