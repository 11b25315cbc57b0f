"""`make bench-node`: what does an ImageJob cost on a real node, where pods take time to start?

Needs a cluster that runs already, to be its administrator, and the worker's image on its nodes.
The operator runs on this machine, as a process of this checkout, and so does the S3 server.

1. burst: 200 photos at once, as ImageJobs, as bare Jobs, by a pool of processes in one container
2. idle: one ImageJob at a time, against one bare Job
3. trickle: one ImageJob a second, batched as ever, against batches of one

Exit code: 0 all targets met, 1 one missed, 2 can't be measured here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from imagebench.machine import BUILD, CANNOT, MET, MISSED, machine
from imagejob_dev.errors import DevError
from imagejob_dev.ports import free_ports
from imagejob_dev.rest import ApiError
from nodebench import burst, idle, site, trickle
from nodebench.site import Place
from nodebench.watching import FailedError
from operatorbench import figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodebench.latency import Latency
    from operatorbench.figures import Part

PARTS = ("burst", "idle", "trickle")


QUICK = {"photos": 8, "rounds": 2, "seconds": 4}
"""To see that it works. Its figures mean nothing."""


def main() -> int:
    """Measure what is asked for; print it, write it, judge it."""
    options = _options()
    before = ", ".join([machine(), *options.set])
    print(f"{before}\n")
    parts: list[Part] = []
    try:
        for part in _measure(_place(options), options):
            print("\n".join(figures.lines(part)), flush=True)
            parts.append(part)
    except (DevError, ApiError, FailedError, OSError, RuntimeError) as error:
        print(f"bench-node: {error}", file=sys.stderr)
        return CANNOT
    print(f"then: {machine()}")
    met = figures.conclude(parts, before, options.json, program="bench-node")
    return MET if met else MISSED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_place(parser)
    add = parser.add_argument
    add("--json", type=Path, default=BUILD / "node.json", help="write figures here")
    add("--photos", type=int, default=200, help="of 1 (%(default)s)")
    add("--runs", type=int, default=1, help="of each side of 1 (%(default)s)")
    add("--rounds", type=int, default=30, help="of 2 (%(default)s)")
    add("--seconds", type=int, default=60, help="of 3, for each side (%(default)s)")
    add("--quick", action="store_true", help="small sizes, to see that it works")
    add("--only", nargs="+", choices=PARTS, help="leave the others out")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    return options


def _add_place(parser: argparse.ArgumentParser) -> None:
    add, given = parser.add_argument, os.environ.get
    add("--kubeconfig", default=given("KUBECONFIG"), help="of the cluster (default: $KUBECONFIG)")
    image = "as the cluster's nodes know it (default: $WORKER_IMAGE)"
    add("--worker-image", default=given("WORKER_IMAGE"), help=image)
    address = "of this machine, for the cluster's pods (default: $HOST_ADDRESS, or %(default)s)"
    add("--host-address", default=given("HOST_ADDRESS", "127.0.0.1"), help=address)
    setting = "a setting of the operator, such as worker_cpu_millis=500"
    add("--set", action="append", default=[], metavar="NAME=VALUE", help=setting)


def _place(options: argparse.Namespace) -> Place:
    """Raises DevError for what is missing."""
    if not options.kubeconfig or not Path(options.kubeconfig).is_file():
        raise DevError("KUBECONFIG or --kubeconfig has to name a file (benchmarks/README.md)")
    if not options.worker_image:
        raise DevError("WORKER_IMAGE or --worker-image has to name the worker's image")
    if not free_ports(1, options.host_address):
        raise DevError(f"{options.host_address} is no address of this machine")
    path = Path(options.kubeconfig).resolve()
    settings = {name: value for name, _, value in (each.partition("=") for each in options.set)}
    return Place(path, options.worker_image, options.host_address, settings)


def _measure(place: Place, options: argparse.Namespace) -> Iterator[Part]:
    alone: Latency | None = None
    with (
        tempfile.TemporaryDirectory(prefix="bench-node-") as folder,
        site.opened(place, options.photos, Path(folder), BUILD / "photos") as opened,
    ):
        with opened.operator():
            model = opened.learn("rehearsal")
        for name in options.only or PARTS:
            match name:
                case "burst":
                    yield burst.measure(opened, model, options.runs)
                case "idle":
                    part, alone = idle.measure(opened, model, options.rounds)
                    yield part
                case _:
                    yield trickle.measure(opened, options.seconds, alone)


if __name__ == "__main__":
    sys.exit(main())
