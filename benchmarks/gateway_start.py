"""`make proof-gateway-start`: how long is the gateway's start, in imports of what it stands on?

Pairs in one run: the time from the start of a process to its first "ready", and that of a process
that imports fastapi and boto3 and ends. With the packages as the image has them: pruned, compiled.

Exit code: 0 the target is met, 1 it is missed, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import subprocess
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.errors import DevError
from proofs import gateway, record
from support import gateway as gateways
from support.image_packages import arguments, gateway_packages

if TYPE_CHECKING:
    from support.tenant import Tenant

MOST = 2.0
IMPORTS = "import fastapi, boto3"
SERVE = "import runpy; runpy.run_module('imagejob_gateway', run_name='__main__')"


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with (
            TemporaryDirectory(prefix="proof-gateway-") as name,
            gateway.team_of(Path(name)) as team,
        ):
            paths = gateway_packages(Path(name) / "packages")
            pairs = [_pair(team, Path(name), paths, at) for at in range(options.pairs + 1)]
    except (RuntimeError, DevError) as error:
        print(f"proof-gateway-start: {error}", file=sys.stderr)
        return MISSED if isinstance(error, RuntimeError) else CANNOT
    del pairs[0]  # it compiles, and fills the page cache
    ratio = median(ready / imports for imports, ready in pairs)
    figures = {
        "pairs": len(pairs),
        "imports": round(median(imports for imports, _ in pairs), 3),
        "ready": round(median(ready for _, ready in pairs), 3),
        "timesImports": round(ratio, 2),
    }
    record.write(options.json, figures)
    for each, figure in figures.items():
        print(f"{each}: {figure}")
    return MET if ratio <= MOST else MISSED


def _pair(team: Tenant, folder: Path, paths: list[str], at: int) -> tuple[float, float]:
    """Seconds to import, and to be ready."""
    began = time.monotonic()
    subprocess.run([sys.executable, *arguments(paths, IMPORTS)], check=True)
    imported = time.monotonic()
    program = arguments(paths, SERVE)
    with gateways.running(team, folder, name=f"start-{at}", program=program) as run:
        return imported - began, run.program.seconds_to_ready


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "gateway-start.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
