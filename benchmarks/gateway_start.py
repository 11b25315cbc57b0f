"""`make proof-gateway-start`: how long is the gateway's start, in imports of what it stands on?

Pairs in one run: the time from the start of a process to its first "ready", and that of a process
that imports fastapi and boto3 and ends. With the packages as the image has them: pruned, compiled.
And what a start would cost that imports boto3 beside botocore (docs/decisions/0053), in CPU.

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
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import psutil
from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.errors import DevError
from proofs import gateway, record
from support import gateway as gateways
from support.image_packages import arguments, gateway_packages

if TYPE_CHECKING:
    from support.tenant import Tenant

MOST = 2.0
IMPORTS = "import fastapi, boto3"
BOTO3 = "import boto3.session\n"
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
            rounds = [_round(team, Path(name), paths, at) for at in range(options.pairs + 1)]
    except (RuntimeError, DevError) as error:
        print(f"proof-gateway-start: {error}", file=sys.stderr)
        return MISSED if isinstance(error, RuntimeError) else CANNOT
    del rounds[0]  # it compiles, and fills the page cache
    ratio = median(each.plain.ready / each.imports for each in rounds)
    figures = {
        "pairs": len(rounds),
        "imports": round(median(each.imports for each in rounds), 3),
        "ready": round(median(each.plain.ready for each in rounds), 3),
        "timesImports": round(ratio, 2),
        "cpu": round(median(each.plain.cpu for each in rounds), 3),
        "timesCpuWithBoto3": round(
            median(each.with_boto3.cpu / each.plain.cpu for each in rounds), 2
        ),
    }
    record.write(options.json, figures)
    for each, figure in figures.items():
        print(f"{each}: {figure}")
    return MET if ratio <= MOST else MISSED


class Start(NamedTuple):
    """Seconds from the launch to the first "ready", and those of CPU until then."""

    ready: float
    cpu: float


class Round(NamedTuple):
    """Seconds to import, and two starts."""

    imports: float
    plain: Start
    with_boto3: Start


def _round(team: Tenant, folder: Path, paths: list[str], at: int) -> Round:
    began = time.monotonic()
    subprocess.run([sys.executable, *arguments(paths, IMPORTS)], check=True)
    imported = time.monotonic()
    plain, with_boto3 = (
        _start(team, folder / f"{name}-{at}", arguments(paths, code))
        for name, code in (("plain", SERVE), ("boto3", BOTO3 + SERVE))
    )
    return Round(imported - began, plain, with_boto3)


def _start(team: Tenant, folder: Path, program: list[str]) -> Start:
    with gateways.running(team, folder, program=program) as run:
        took = psutil.Process(run.program.pid).cpu_times()
        return Start(run.program.seconds_to_ready, took.user + took.system)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "gateway-start.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
