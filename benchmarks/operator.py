"""`make bench-operator`: what does a burst of ImageJobs cost, and how far does one operator go?

Three parts, each with control planes of its own (etcd, API server, controller manager, scheduler)
and kwok as the node, which says of every pod at once that it ran and reported well:

1. burst: thousands of ImageJobs in many namespaces, against the simplest kopf operator and bare
   Jobs; requests for each ImageJob by the API server's own metrics; raw writes
2. growth: time per ImageJob and the operator's memory as their number grows
3. calm: an operator's start among very many finished ImageJobs; many throttled when nothing changes

Exit code: 0 all targets met, 1 one missed, 2 can't be measured here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this file would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagebench.machine import BUILD, CANNOT, MET, MISSED, machine
from imagejob_dev.errors import DevError
from operatorbench import burst, calm, figures, growth

if TYPE_CHECKING:
    from operatorbench.figures import Part

PARTS = ("burst", "growth", "calm")


@dataclass(frozen=True)
class Sizes:
    """How much of everything. `idle` in seconds."""

    teams: int
    burst: int
    raw: int
    growth: tuple[int, ...]
    finished: int
    throttled: int
    idle: float


FULL = Sizes(30, 3000, 2000, (500, 1000, 2000, 4000, 8000), 100_000, 10_000, 60.0)
QUICK = Sizes(5, 100, 100, (25, 50, 100), 2000, 100, 10.0)
"""To see that it works. Its figures mean nothing: most of a short run is start and end."""


def main() -> int:
    """Measure what is asked for; print it, write it, judge it."""
    options = _options()
    sizes = QUICK if options.quick else FULL
    before = machine()
    print(f"{before}\n")
    parts: list[Part] = []
    try:
        for name in options.only or PARTS:
            part = _measure(name, sizes, options.runs)
            print("\n".join(figures.lines(part)), flush=True)
            parts.append(part)
    except (DevError, TimeoutError) as error:
        print(f"bench-operator: {error}", file=sys.stderr)
        return CANNOT
    print(f"then: {machine()}")
    return MET if figures.conclude(parts, before, options.json) else MISSED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--json", type=Path, default=BUILD / "operator.json", help="write figures here"
    )
    parser.add_argument("--runs", type=int, default=1, help="of each side of 1 (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="leave the others out")
    return parser.parse_args()


def _measure(name: str, sizes: Sizes, runs: int) -> Part:
    match name:
        case "burst":
            return burst.measure(burst.Size(sizes.burst, sizes.teams, runs, sizes.raw))
        case "growth":
            return growth.measure(sizes.growth, sizes.teams)
        case _:
            return calm.measure(sizes.finished, sizes.throttled, sizes.idle, sizes.teams)


if __name__ == "__main__":
    sys.exit(main())
