"""What waiting costs, as a table: each figure with where it is from, what it is held against, and
what it must not exceed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import log2
from typing import TYPE_CHECKING

from imagebench.figures import Target
from imagebench.processes import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waitbench.foretold import Told
    from waitbench.lines import Calm, Growth, Step, Wait

WRITES_LIMIT = 2.1  # an ImageJob: a status and its Event, and a few that come of chance
CALM_WRITES_LIMIT = 5.0  # a minute
CPU_LIMIT = 5.0  # % of a core
MEMORY_LIMIT = 250.0  # MiB
GROWTH_LIMIT = 1.5  # times what one of the first 1,000 takes

MEASURED, WORKED_OUT = "measured", "worked out"


@dataclass(frozen=True)
class Cost:
    """One row. `against` names what `ratio` compares with: a figure of the same unit."""

    what: str
    how: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    target: Target | None = None

    def cells(self) -> list[str]:
        limit = self.target.limit if self.target else None
        verdict = ("met" if self.target.met else "MISSED") if self.target else ""
        return [
            self.what,
            self.how,
            f"{self.value:,.2f} {self.unit}",
            self.against,
            "" if self.ratio is None else f"{self.ratio:.3g} x",
            "" if limit is None else f"<= {limit:g}",
            verdict,
        ]

    def as_json(self) -> dict[str, object]:
        found = asdict(self)
        return found | {"target": self.target.as_json() if self.target else None}


def of_growth(growth: Growth) -> Iterator[Cost]:
    """Coming into the line, and standing in it."""
    waiting = growth.steps[-1].size
    statuses = sum(step.writes.statuses for step in growth.steps)
    events = sum(step.writes.events for step in growth.steps)
    total = sum(step.writes.total for step in growth.steps)
    yield _bounded(
        f"writes per ImageJob until all {waiting:,} tell their place",
        total / waiting,
        "writes",
        WRITES_LIMIT,
    )
    yield Cost("  status writes", MEASURED, statuses / waiting, "writes")
    yield Cost("  Events", MEASURED, events / waiting, "writes")
    untold = float(waiting - growth.shown)
    yield _bounded("  ImageJobs that tell no place in the end", untold, "ImageJobs", 0.0)
    yield from _of_steps(growth.steps)
    yield from _of_calm(growth.calm, waiting)


def _of_steps(steps: Sequence[Step]) -> Iterator[Cost]:
    first = steps[0]
    for step in steps:
        what = f"operator's CPU per ImageJob, line of {step.size - step.added:,} to {step.size:,}"
        ratio = step.cpu_each / first.cpu_each
        against = "" if step is first else f"to {first.size:,}: {first.cpu_each * 1e3:.2f} ms"
        target = Target(f"{what}, growth", ratio, GROWTH_LIMIT) if against else None
        shown = ratio if against else None
        yield Cost(what, MEASURED, step.cpu_each * 1e3, "ms", against, shown, target)


def _of_calm(calm: Calm, waiting: int) -> Iterator[Cost]:
    where = f"while {waiting:,} wait and nothing changes"
    a_minute = calm.writes.total * 60 / calm.seconds
    yield _bounded(f"writes a minute {where}", a_minute, "writes", CALM_WRITES_LIMIT)
    percent = 100 * calm.cpu / calm.seconds
    yield _bounded(f"operator's CPU {where}", percent, "% of a core", CPU_LIMIT)
    yield _bounded("operator's resident set then", calm.rss / MIB, "MiB", MEMORY_LIMIT)
    yield Cost("  at its largest until then", MEASURED, calm.peak / MIB, "MiB")


def of_wait(wait: Wait, naive: Told) -> Iterator[Cost]:
    """`naive` is of the same line, with the same quota."""
    yield _refreshes(f"{wait.count:,} at {wait.quota}", MEASURED, wait.refreshes, naive)
    left = float(wait.count - wait.admitted)
    yield _bounded("  ImageJobs that were not admitted in the end", left, "ImageJobs", 0.0)


def of_told(told: Told, what: str) -> Cost:
    """By the domain's functions alone."""
    return _refreshes(f"{told.count:,} at {what}", WORKED_OUT, told.refreshes, told)


def _refreshes(what: str, how: str, refreshes: int, naive: Told) -> Cost:
    each, naive_each = refreshes / naive.count, naive.naive / naive.count
    what = f"refreshes per ImageJob in a whole wait, {what}"
    return Cost(
        what,
        how,
        each,
        "writes",
        f"all at each admission: {naive_each:,.1f}",
        each / naive_each,
        Target(what, each, round(log2(naive.count), 1), "writes"),
    )


def _bounded(what: str, value: float, unit: str, limit: float) -> Cost:
    return Cost(what, MEASURED, value, unit, target=Target(what.strip(), value, limit, unit))
