"""`make proof-crds`: is every kind watched soon after its CRD is established, and told only then?

On a control plane of its own: operators that are started before their CRDs, and CRDs that are
removed and made again, in any order, under one operator. Each time an object of each kind is
created once `/readyz` says 200, and has to come by the watch.

Exit code: 0 it held each time, 1 it did not, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.errors import DevError
from proofs import record
from proofs.crds import BrokenPromiseError, Trials, bench

WITHIN = 10.0
"""Seconds from the last CRD's being established."""


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    before, remade = Trials(), Trials()
    try:
        with (
            TemporaryDirectory(prefix="proof-crds-") as folder,
            bench(Path(folder), Random(options.seed)) as trial,
        ):
            for number in range(options.before):
                before.ready_after.append(trial.started_before())
                print(f"started before, {number + 1}: {before.ready_after[-1]:.2f} s", flush=True)
            for number, seconds in enumerate(trial.remade(options.remade), 1):
                remade.ready_after.append(seconds)
                print(f"made again, {number}: {seconds:.2f} s", flush=True)
    except BrokenPromiseError as error:
        print(f"proof-crds: {error}", file=sys.stderr)
        return MISSED
    except DevError as error:
        print(f"proof-crds: {error}", file=sys.stderr)
        return CANNOT
    parts = {"operatorStartedBefore": before.figures(), "crdsRemade": remade.figures()}
    record.write(options.json, {"seed": options.seed, "within": WITHIN, **parts})
    worst = max(*before.ready_after, *remade.ready_after)
    return MET if worst <= WITHIN else MISSED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=int, default=30, help="operators started before the CRDs")
    parser.add_argument("--remade", type=int, default=30, help="times that the CRDs are made anew")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "crds.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
