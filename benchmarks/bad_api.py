"""`make proof-bad-api`: is every promise kept while the API server fails in every way, at random?

On a dev cluster with real workers, two operators with the default Lease reach the API server by a
proxy, which for ten minutes answers 401, 403, 410, 429, 500 and 504, cuts connections, freezes them
and delays requests, in spells that the seed decides. ImageJobs arrive meanwhile. An operator that
ends is started again, as by a kubelet.

Exit code: 0 all promises were kept, 1 some were not, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from imagebench.machine import CANNOT, MET, MISSED  # noqa: E402
from imagejob_dev.errors import DevError  # noqa: E402
from proofs import bad_api, record  # noqa: E402


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    weather = list(bad_api.weather(Random(options.seed), options.minutes * 60))
    try:
        with TemporaryDirectory(prefix="proof-bad-api-") as folder:
            history = bad_api.run(Path(folder), weather, options.count, options.seed)
            broken = bad_api.broken(history)
    except DevError as error:
        print(f"proof-bad-api: {error}", file=sys.stderr)
        return CANNOT
    tried = {"seed": options.seed, "minutes": options.minutes, "imageJobs": options.count}
    record.write(options.json, {**tried, **bad_api.figures(history), "broken": broken})
    for name, seen in broken.items():
        print(f"{name}: {seen}")
    return MISSED if broken else MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of bad weather")
    parser.add_argument("--count", type=int, default=500, help="ImageJobs that arrive meanwhile")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "bad-api.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
