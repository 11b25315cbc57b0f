"""`make bench-worker`: is the worker as fast and as small as it is meant to be?

Three comparisons, all sides of each in one run and in turn, by CPU time (user and system, of all
threads and child processes), for on a shared machine the clock on the wall tells of its neighbours:

1. thumbnail: a 24 MP JPEG to 400 px, our pipeline against Pillow's `thumbnail`, pyvips and sharp
2. webp: the same JPEG to WebP of 320, 1080 and 1920 px, our pipeline against sharp
3. worker: the whole process with a real S3 server, in units of `python -c pass`

Exit code: 0 all targets met, 1 one missed, 2 can't be measured here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from imagebench import rivals, show
from imagebench.comparisons import PARTS, Effort
from imagebench.machine import BUILD, CANNOT, MET, MISSED, machine
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagebench.figures import Comparison


def main() -> int:
    """Measure what is asked for; print it, write it, judge it."""
    options = _options()
    effort = Effort(options.rounds, options.runs, options.watches)
    print(f"{machine()}\n")
    comparisons: list[Comparison] = []
    try:
        rivals.prepare()
        with tempfile.TemporaryDirectory(prefix="bench-worker-") as folder:
            for name in options.only or PARTS:
                comparison = PARTS[name](effort, BUILD, Path(folder) / name)
                print("\n".join(show.lines(comparison)), flush=True)
                comparisons.append(comparison)
    except (rivals.MissingError, DevError) as error:
        print(f"bench-worker: {error}", file=sys.stderr)
        return CANNOT
    return conclude(comparisons, options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--json", type=Path, default=BUILD / "worker.json", help="write figures here"
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds of 1 and 2 (%(default)s)")
    parser.add_argument("--runs", type=int, default=30, help="runs of 3 (%(default)s)")
    parser.add_argument("--watches", type=int, default=10, help="runs to see memory (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="leave the others out")
    return parser.parse_args()


def conclude(comparisons: Sequence[Comparison], path: Path) -> int:
    """Write the JSON, print the last line, return the exit code."""
    met = all(target.met for comparison in comparisons for target in comparison.targets)
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": machine(),
        "comparisons": [comparison.as_json() for comparison in comparisons],
        "met": met,
    }
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(f"figures: {path}")
    print(show.closing(comparisons))
    return MET if met else MISSED


if __name__ == "__main__":
    sys.exit(main())
