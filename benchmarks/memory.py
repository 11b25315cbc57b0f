"""`make proof-memory`: what do objects cost that are large on purpose?

On a control plane of its own: four namespaces are filled with objects of 250 KiB, in annotations,
labels, managedFields and spec in turn. Then an operator is started that may have 1 GiB, as in a
pod, and another tenant's ImageJob is applied at that moment.

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

from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.cluster import Cluster
from imagejob_dev.errors import DevError
from proofs import memory, record

GIB, MIB = 1024**3, 1024**2
NAMESPACES = [f"hostile-{letter}" for letter in "abcd"]
TIMES_RAW = 3.0
"""Within how long a neighbour's first picture is to be done, by the raw reading of all there is."""


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with TemporaryDirectory(prefix="proof-memory-") as folder, Cluster(Path(folder)) as cluster:
            figures = _figures(cluster, options)
    except (RuntimeError, DevError) as error:
        print(f"proof-memory: {error}", file=sys.stderr)
        return MISSED if isinstance(error, RuntimeError) else CANNOT
    record.write(options.json, figures)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    met = figures["peakMiB"] - figures["peakMiBAlone"] <= options.most
    return MET if met and figures["firstPicture"] <= figures["allowed"] else MISSED


def _figures(cluster: Cluster, options: argparse.Namespace) -> dict[str, Any]:
    cluster.install()
    memory.furnish(cluster)
    alone = memory.restart(cluster, GIB, "alone")
    filling = memory.fill(cluster.rest, NAMESPACES, options.count)
    raw = memory.read_raw(cluster.rest)
    found = memory.restart(cluster, GIB, "among")
    return {
        "objects": options.count,
        "namespaces": len(NAMESPACES),
        "secondsToCreate": round(filling, 1),
        "rawMiB": round(raw.size / MIB),
        "rawSeconds": round(raw.seconds, 2),
        "ready": round(found.ready, 2),
        "firstPicture": round(found.first_picture, 2),
        "allowed": round(TIMES_RAW * raw.seconds + options.slack, 2),
        "firstPictureAlone": round(alone.first_picture, 2),
        "limitMiB": GIB // MIB,
        "limitedBy": found.limited_by,
        "peakMiB": round(found.peak / MIB, 1),
        "peakMiBAlone": round(alone.peak / MIB, 1),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="hostile objects")
    parser.add_argument(
        "--most", type=float, default=640.0, help="MiB that the operator may need more for them"
    )
    parser.add_argument(
        "--slack", type=float, default=2.0, help="seconds more that the first picture may take"
    )
    parser.add_argument("--json", type=Path, default=record.RECORDS / "memory.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
