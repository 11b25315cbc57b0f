"""Does the worker start as fast from its image as from a virtual environment? Needs root.

    python benchmarks/start.py --image localhost/imagejob-worker:ci

One order, of one small photo in a real S3 server: from the start of the command to its end, on the
wall, for a container's start is work of the kernel's and of runc's that is no process's own. All
sides in turn, in one run:

1. venv: `python -m imagejob_worker` of this checkout's virtual environment
2. image: runc runs the image's entry point, with a read-only root
3. nothing: runc runs `true` in the same container, which is what any container costs

Exit code: 0 the target met, 1 missed, 2 can't be measured here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from imagebench import cold, contained
from imagebench.machine import BUILD, CANNOT, MET, MISSED, machine
from imagejob_dev.errors import DevError
from operatorbench import figures
from operatorbench.figures import Part, Target
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIMIT = 1.3
SIZE = (640, 480)
SIDES = ("venv", "image", "nothing")


def main() -> int:
    """Measure; print it, write it, judge it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--image", required=True, help="the worker's, as buildah knows it")
    parser.add_argument("--rounds", type=int, default=40, help="of each side (%(default)s)")
    parser.add_argument("--json", type=Path, default=BUILD / "start.json", help="figures go here")
    options = parser.parse_args()
    before = machine()
    print(f"{before}\n")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
            part = report(measure(options.image, options.rounds, Path(folder)))
    except (DevError, RuntimeError) as error:
        print(f"bench-start: {error}", file=sys.stderr)
        return CANNOT
    print("\n".join(figures.lines(part)), flush=True)
    met = figures.conclude([part], before, options.json, program="bench-start")
    return MET if met else MISSED


def measure(image: str, rounds: int, folder: Path) -> Mapping[str, list[float]]:
    """Seconds of each run, by side. RuntimeError if one has not done the order."""
    cold.compile_all()
    source = folder / "photo.jpg"
    Image.linear_gradient("L").resize(SIZE).convert("RGB").save(source)
    shared = folder / "shared"
    shared.mkdir()
    with cold.s3_server(folder) as server:
        worker = cold.Worker(server, source, shared)
        worker.run()  # leaves its report, which the container's user is to write, too
        give_away(folder)
        with contained.container(image, folder / "bundles", shared, worker.variables) as made:
            worked, idle = made.command("worker"), made.command("nothing", "true")
            sides = dict(
                zip(
                    SIDES,
                    (worker.run, lambda: worker.run(worked), lambda: nothing(idle)),
                    strict=True,
                )
            )
            for side in sides.values():  # a rehearsal: files into the page cache
                side()
            taken: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(rounds):
                for name, side in sides.items():
                    taken[name].append(seconds(side))
    return taken


def give_away(folder: Path) -> None:
    """All of it to whoever the image's user is; the root of this machine may use it anyway."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, contained.NOBODY, contained.NOBODY)


def nothing(command: list[str]) -> None:
    subprocess.run(command, check=True)


def seconds(side: Callable[[], object]) -> float:
    began = time.perf_counter()
    side()
    return time.perf_counter() - began


def report(taken: Mapping[str, list[float]]) -> Part:
    """The table and the target, of medians."""
    middle = {name: median(values) for name, values in taken.items()}
    rows = [["", "ms", "quartiles", "times the venv's"]]
    for name, values in taken.items():
        low, _, high = quantiles(values, n=4)
        times = f"{middle[name] / middle['venv']:.2f} x"
        rows.append([name, f"{middle[name] * 1e3:.0f}", f"{low * 1e3:.0f}-{high * 1e3:.0f}", times])
    inside = (middle["image"] - middle["nothing"]) / middle["venv"]
    return Part(
        "start",
        "one order of one small photo, from the start of the command to its end, on the wall",
        rows,
        [f"without what any container costs, the image takes {inside:.2f} x the venv's time"],
        [Target("image against venv", middle["image"] / middle["venv"], "at most", LIMIT, "x")],
        dict(taken),
    )


if __name__ == "__main__":
    sys.exit(main())
