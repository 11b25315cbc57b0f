"""`make proof-gateway-fuzz`: what does the gateway answer to what its document allows, and more?

schemathesis makes cases of the OpenAPI document, valid ones and others, one by one and in
sequences, and sends them to a gateway with a cluster and a store. All of its checks are on: no 5xx,
no status, content type or header that isn't documented, no answer of another shape, invalid data
refused, valid data taken, no answer without a token.

Exit code: 0 it held in at least so many cases, 1 it did not, 2 can't be tried here.
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from imagebench.machine import CANNOT, MET, MISSED  # noqa: E402
from imagejob_dev.errors import DevError  # noqa: E402
from proofs import record  # noqa: E402
from proofs.gateway_fuzz import fuzz, serving  # noqa: E402


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with TemporaryDirectory(prefix="proof-gateway-fuzz-") as name, serving(Path(name)) as site:
            found = fuzz(site, options.examples, options.seed, Path(name))
    except DevError as error:
        print(f"proof-gateway-fuzz: {error}", file=sys.stderr)
        return CANNOT
    figures = {"seed": options.seed, "atLeast": options.cases, **found.figures()}
    record.write(options.json, figures)
    print(f"{found.cases} cases, {len(found.failures)} failures")
    return MET if not found.failures and found.cases >= options.cases else MISSED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="that have to be made")
    parser.add_argument("--examples", type=int, default=400, help="of each operation, at most")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "gateway-fuzz.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
