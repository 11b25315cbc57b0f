"""A hundred runs of a tenant who makes any move that `edit` allows; `make proof-adversary`.

    python benchmarks/adversary.py --seed 1 --runs 100 --record benchmarks/records/adversary.json

    python benchmarks/adversary.py --replay moves.json --runs 5

The moves of a failure are printed as JSON: a list that can be shortened by hand, and made again.
The record is written after each run; one of the same commit, seed and moves is gone on with. Exits
1 if a promise was broken.
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import faulthandler
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

import msgspec  # noqa: E402
from imagejob_dev.cluster import Cluster  # noqa: E402
from support.adversary.machine import Outcome, Session, session, told  # noqa: E402
from support.adversary.moves import Move  # noqa: E402

MOST = (
    *("mostInAWindow", "worstNeighbourSeconds", "worstNeighbourTurns"),
    *("mostWorkersAtOnce", "mostResidentMiB"),
)
SUMS = ("charges", "workers", "succeeded", "failed")


def main() -> int:
    options = _options()
    faulthandler.enable()
    os.environ.setdefault("IMAGEJOB_DEV_PREBUILT", "0")
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder)) as cluster:
        cluster.install()
        with session(cluster, say=_say, evictions=options.evictions) as runs:
            return _replay(runs, options) if options.replay else _prove(runs, options)


def _prove(runs: Session, options: argparse.Namespace) -> int:
    key = {"commit": _commit(), "seed": options.seed, "movesPerRun": options.moves}
    record = _begun(options.record, key)
    began = time.monotonic()
    for seed in range(options.seed + record["runs"], options.seed + options.runs):
        if time.monotonic() - began > options.minutes * 60:
            _say(f"{options.minutes} minutes are over; the same command goes on")
            break
        runs.explore([seed], options.moves)
        outcome = runs.outcomes.pop()
        _add(record, outcome)
        options.record.parent.mkdir(parents=True, exist_ok=True)
        options.record.write_text(json.dumps(record, indent=1) + "\n")
        if outcome.violations:
            _say(told(outcome))
    _say(json.dumps({key: record[key] for key in ("runs", "moves", "figures")}, indent=1))
    return 1 if record["violations"] else 0


def _replay(runs: Session, options: argparse.Namespace) -> int:
    moves = msgspec.json.decode(options.replay.read_bytes(), type=list[Move])
    broken = 0
    for _ in range(options.runs):
        outcome = runs.replay(moves)
        broken += bool(outcome.violations)
        _say(json.dumps(_by_kind(outcome.answers), indent=1))
        for violation in outcome.violations:
            _say(f"{violation}\n" + "\n".join(outcome.lines))
    _say(f"{broken} of {options.runs} runs broke a promise")
    return 1 if broken else 0


def _say(text: str) -> None:
    print(text, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; then one more each")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--moves", type=int, default=32, help="of each run")
    parser.add_argument("--minutes", type=float, default=60, help="begin no run after them")
    evictions = "have the platform evict workers, too"
    parser.add_argument("--evictions", action="store_true", help=evictions)
    parser.add_argument("--replay", type=Path, help="a file of moves to be made instead")
    place = REPOSITORY / "benchmarks" / "records" / "adversary.json"
    parser.add_argument("--record", type=Path, default=place)
    return parser.parse_args()


def _begun(path: Path, key: dict[str, Any]) -> dict[str, Any]:
    """What a record of the same key says, or an empty one."""
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text())
        if key.items() <= known.items():
            return known
    counts = {"runs": 0, "moves": 0, "seconds": 0.0}
    return {**key, **counts, "figures": {}, "answers": {}, "violations": []}


def _add(record: dict[str, Any], outcome: Outcome) -> None:
    record["runs"] += 1
    record["moves"] += len(outcome.moves)
    record["seconds"] = round(record["seconds"] + outcome.seconds, 1)
    figures, found = record["figures"], outcome.figures
    figures |= {name: max(figures.get(name, 0), found[name]) for name in MOST}
    figures |= {name: figures.get(name, 0) + found[name] for name in SUMS}
    answers: Counter[str] = Counter()
    for kind, counts in record["answers"].items():
        answers.update({f"{kind}: {answer}": count for answer, count in counts.items()})
    answers.update(outcome.answers)
    record["answers"] = _by_kind(answers)
    for violation in outcome.violations:
        record["violations"].append({"seed": outcome.seed, "promise": violation.name})


def _by_kind(answers: Counter[str]) -> dict[str, dict[str, int]]:
    """Kind of move → answer → how often."""
    table: dict[str, dict[str, int]] = {}
    for both, count in sorted(answers.items()):
        kind, _, answer = both.partition(": ")
        table.setdefault(kind, {})[answer] = count
    return table


def _commit() -> str:
    command = ["git", "-C", REPOSITORY, "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
