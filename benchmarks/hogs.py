"""`make proof-hogs`: what do twenty tenants keep while two others hold workers for long?

On one dev cluster, with the operator at `maxWorkers: 8`, open quotas and otherwise its defaults:
twenty namespaces apply their ImageJobs (tiny pictures) at once, so that all have a backlog, and it
counts how many a second succeed, until seven tenths have, or for a minute. In turn, in one run:

1. alone: nobody else is there
2. among: as soon as the twenty have all workers, two hogs come, whose stores drip
3. after: the hogs came first, and hold all the workers that they may

The target is for 2 against 1. What 3 comes to is told: until the hogs' time is used up, ten minutes
for each picture, the twenty have what is kept for namespaces with few workers, a quarter.

Exit code: 0 the target is met, 1 it is missed, 2 it can't be measured here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import json
import random
import subprocess
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hogbench import crowd
from imagebench.machine import CANNOT, MET, MISSED, machine
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from hogbench.crowd import Crowd

HERE = Path(__file__).resolve().parent
KEPT = 0.8
ENOUGH = 0.7  # of the backlog: until then every team has some left


def main() -> int:
    """Measure; print it, write it, judge it."""
    options = _options()
    before, rng, commit = machine(), random.Random(options.seed), _commit()
    print(f"{before}\n")
    try:
        with TemporaryDirectory(prefix="proof-hogs-") as folder:
            found = measure(Path(folder), options, rng)
    except (DevError, TimeoutError) as error:
        print(f"proof-hogs: {error}", file=sys.stderr)
        return CANNOT
    rates = {name: median(run["perSecond"] for run in runs) for name, runs in found.items() if runs}
    ratios = {name: rate / rates["alone"] for name, rate in rates.items()}
    written = {
        "commit": commit,
        "seed": options.seed,
        "machine": [before, machine()],
        "settings": crowd.SETTINGS,
        "teams": crowd.TEAMS,
        "hogs": crowd.HOGS,
        "imageJobsOfEachTeam": options.each,
        "windowSeconds": options.window,
        "runs": found,
        "ofAlone": ratios,
        "target": f"among is at least {KEPT} of alone",
        "met": ratios["among"] >= KEPT,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(written, indent=2) + "\n")
    told = ", ".join(f"{name} {rates[name]:.1f}/s ({ratios[name]:.2f})" for name in rates)
    print(f"\nfigures: {options.json}\nproof-hogs: {told}; at least {KEPT} among hogs are wanted")
    return MET if written["met"] else MISSED


def measure(
    folder: Path, options: argparse.Namespace, rng: random.Random
) -> dict[str, list[dict[str, object]]]:
    """Each way in turn, after one that doesn't count."""
    found: dict[str, list[dict[str, object]]] = {"alone": [], "among": [], "after": []}
    ways = {"alone": alone, "among": among, "after": after}
    with crowd.gathered(folder) as all_of_them:
        alone(all_of_them, "warm", options)
        for number in range(options.rounds):
            order = rng.sample(list(ways), len(ways))
            for way in order:
                run = ways[way](all_of_them, f"{way}{number}", options)
                found[way].append(run)
                print(f"   {way}: {run}", flush=True)
    return found


def alone(crowd: Crowd, name: str, options: argparse.Namespace) -> dict[str, object]:
    """Nobody else is there."""
    began = crowd.backlog(name, options.each)
    return _count(crowd, began, options)


def among(crowd: Crowd, name: str, options: argparse.Namespace) -> dict[str, object]:
    """Hogs come while the twenty are at it."""
    began = crowd.backlog(name, options.each)
    crowd.begin_hogs(name)
    return _count(crowd, began, options)


def after(crowd: Crowd, name: str, options: argparse.Namespace) -> dict[str, object]:
    """Hogs were there before."""
    crowd.begin_hogs(name)
    crowd.wait_for_hogs(6)
    began = crowd.backlog(name, options.each)
    return _count(crowd, began, options)


def _count(crowd: Crowd, began: float, options: argparse.Namespace) -> dict[str, object]:
    """Before the end of the backlog, for then places would be free that nobody but hogs wants."""
    most = int(ENOUGH * options.each * len(crowd.teams))
    done = crowd.done(most, began + options.window)
    seconds = time.monotonic() - began
    held = crowd.held_by_hogs()
    crowd.end()
    return {"done": done, "seconds": seconds, "perSecond": done / seconds, "hogsHold": held}


def _commit() -> str:
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--json", type=Path, default=HERE / "records" / "hogs.json", help="write figures here")
    add("--each", type=int, default=72, help="ImageJobs of each of the twenty (%(default)s)")
    add("--window", type=float, default=60.0, help="seconds of each run at most (%(default)s)")
    add("--rounds", type=int, default=3, help="how often each way is measured (%(default)s)")
    add("--seed", type=int, default=1, help="of the order of the three ways (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
