"""`make proof-gateway-load`: what do many large uploads at once cost the gateway?

On a control plane and an S3 server of its own: 200 uploads of 10 MB, 32 at once, all different. The
gateway's CPU is compared with what the S3 server takes for the same bytes, in the same run.

Exit code: 0 all targets met, 1 one missed, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.errors import DevError
from proofs import gateway, record

MOST_MIB, MOST_TIMES = 200.0, 1.5


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with TemporaryDirectory(prefix="proof-gateway-") as folder:
            load = gateway.load(Path(folder), options.count, options.megabytes, options.at_once)
    except (RuntimeError, DevError) as error:
        print(f"proof-gateway-load: {error}", file=sys.stderr)
        return MISSED if isinstance(error, RuntimeError) else CANNOT
    figures = _figures(load, options)
    record.write(options.json, figures)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    is_met = not load.wrong and figures["peakMiB"] <= MOST_MIB
    return MET if is_met and figures["timesOfS3"] <= options.most_times else MISSED


def _figures(load: gateway.Load, options: argparse.Namespace) -> dict[str, Any]:
    gigabytes = options.count * options.megabytes / 1000
    return {
        "uploads": options.count,
        "megabytes": options.megabytes,
        "atOnce": options.at_once,
        "wrong": list(load.wrong),
        "seconds": round(load.seconds, 1),
        "idleMiB": round(load.idle / gateway.MIB, 1),
        "peakMiB": round(load.peak / gateway.MIB, 1),
        "cpuPerGB": round(load.cpu / gigabytes, 2),
        "cpuPerGBOfS3": round(load.cpu_of_s3 / gigabytes, 2),
        "timesOfS3": round(load.cpu / load.cpu_of_s3, 2),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="uploads")
    parser.add_argument("--megabytes", type=int, default=10, help="of each")
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument(
        "--most-times", type=float, default=MOST_TIMES, help="CPU, in that of the S3 server"
    )
    parser.add_argument("--json", type=Path, default=record.RECORDS / "gateway-load.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
