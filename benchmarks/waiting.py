"""`make bench-waiting`: what do 10,000 waiting ImageJobs cost?

On control planes of its own, with one operator each:

1. growth: a line grows to 1,000, 2,000, 4,000, 8,000 and 10,000 behind a quota that is used up, and
   then stands still: writes, and the operator's CPU time and memory
2. wait: 2,000 ImageJobs from the first admission to the last, at 100 every 10 s, without workers:
   how often a place is told anew
3. foretold: the same for longer waits, worked out by the operator's own functions

Exit code: 0 all targets met, 1 one missed, 2 can't be measured here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from imagebench import show
from imagebench.machine import BUILD, CANNOT, MET, MISSED, machine
from imagejob_dev.errors import DevError
from imagejob_dev.operators import PROGRAM
from waitbench import costs, foretold, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waitbench.costs import Cost

HEAD = ["", "how", "figure", "against", "ratio", "target", ""]


def main() -> int:
    """Measure; print it, write it, judge it."""
    options = _options()
    before = machine()
    print(f"{before}\n")
    try:
        found = [cost for part in options.only or PARTS for cost in PARTS[part](options)]
    except (DevError, TimeoutError) as error:
        print(f"bench-waiting: {error}", file=sys.stderr)
        return CANNOT
    print("\n".join(show.aligned([HEAD, *(cost.cells() for cost in found)])))
    return conclude(found, options.json, [before, machine()])


def growth(options: argparse.Namespace) -> Iterator[Cost]:
    """Coming to wait, and waiting."""
    with TemporaryDirectory(prefix="bench-waiting-") as folder:
        found = lines.grow(Path(folder), options.sizes, options.idle, options.program)
    yield from costs.of_growth(found)


def wait(options: argparse.Namespace) -> Iterator[Cost]:
    """Going on."""
    with TemporaryDirectory(prefix="bench-waiting-") as folder:
        found = lines.whole_wait(Path(folder), options.wait, options.quota, options.program)
    yield from costs.of_wait(found, foretold.in_batches(options.wait, options.quota))


def foreseen(options: argparse.Namespace) -> Iterator[Cost]:
    """Waits that are too long to be watched."""
    batches = foretold.in_batches(options.sizes[-1], "50/1h")
    yield costs.of_told(batches, "50/1h, which go on 50 at once")
    single = foretold.one_by_one(options.wait, "50/1h")
    yield costs.of_told(single, "50/1h, which go on one by one")


PARTS = {"growth": growth, "wait": wait, "foretold": foreseen}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--json", type=Path, default=BUILD / "waiting.json", help="write figures here")
    add("--sizes", type=int, nargs="+", default=[1000, 2000, 4000, 8000, 10_000], help="of 1")
    add("--idle", type=float, default=60.0, help="seconds in which nothing changes (%(default)s)")
    add("--wait", type=int, default=2000, help="ImageJobs of 2 (%(default)s)")
    add("--quota", default="100/10s", help="quota of 2 (%(default)s)")
    add("--program", nargs="+", default=PROGRAM, help="run this with Python as the operator")
    add("--only", nargs="+", choices=list(PARTS), help="leave the others out")
    return parser.parse_args()


def conclude(found: Sequence[Cost], path: Path, machines: Sequence[str]) -> int:
    """Write the JSON, print the last line, return the exit code."""
    targets = [cost.target for cost in found if cost.target]
    missed = [target for target in targets if not target.met]
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "machine": machines[0],
        "machineAfter": machines[-1],
        "costs": [cost.as_json() for cost in found],
        "met": not missed,
    }
    path.write_text(json.dumps(written, indent=2) + "\n")
    print(f"\nafterwards: {machines[-1]}\nfigures: {path}")
    if missed:
        told = "; ".join(f"{each.what} {each.value:.2f} {each.unit}" for each in missed)
        print(f"bench-waiting: {len(missed)} of {len(targets)} targets missed ({told})")
    else:
        print(f"bench-waiting: all {len(targets)} targets met")
    return MISSED if missed else MET


if __name__ == "__main__":
    sys.exit(main())
