"""`make plots`: draw what the benchmarks have found, for docs/scaling.md.

Reads what `operator.py`, `node.py` and `waiting.py` of this folder have written, measures nothing,
and writes SVGs: the same bytes for the same figures. What wasn't measured is left out, and said.

Exit code: 0 drawn, 2 nothing to draw (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from benchplots import charts, node, style
from benchplots.found import Node, Operator, Waiting, read
from benchplots.writes import writes
from imagebench.machine import BUILD, CANNOT, MET

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    Draw = Callable[[], Figure]

DOCS = Path(__file__).resolve().parents[1] / "docs" / "images" / "scaling"


def main() -> int:
    """Draw what there is."""
    options = _options()
    sources = (options.operator, options.node, options.waiting)
    missing = [path for path in sources if not path.exists()]
    print("".join(f"left out: there is no {path}\n" for path in missing), end="")
    if len(missing) == len(sources):
        print("plots: nothing to draw; run `make bench-operator` first", file=sys.stderr)
        return CANNOT
    try:
        drawn = {**_of_operator(options), **_of_node(options), **_of_waiting(options)}
    except msgspec.DecodeError as error:
        print(f"plots: that is not what a benchmark writes: {error}", file=sys.stderr)
        return CANNOT
    for name, draw in drawn.items():
        path = options.out / f"{name}.svg"
        with style.styled():
            print(f"{path}: {style.save(draw(), path) / 1000:.0f} KB")
    return MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    for name in ("operator", "node", "waiting"):
        add(f"--{name}", type=Path, default=BUILD / f"{name}.json", help=f"what bench-{name} wrote")
    add("--out", type=Path, default=DOCS, help="write SVGs here")
    return parser.parse_args()


def _of_operator(options: argparse.Namespace) -> dict[str, Draw]:
    found = read(options.operator, Operator)
    drawn: dict[str, Draw] = {}
    if found and found.parts.burst:
        drawn["burst"] = partial(charts.burst, found.parts.burst)
        drawn["writes"] = partial(writes, found.parts.burst)
    if found and found.parts.growth:
        drawn["time"] = partial(charts.times, found.parts.growth)
        drawn["memory"] = partial(charts.memory, found.parts.growth, found.parts.calm)
    return drawn


def _of_node(options: argparse.Namespace) -> dict[str, Draw]:
    found = read(options.node, Node)
    drawn: dict[str, Draw] = {}
    if found and found.parts.burst:
        drawn["node"] = partial(node.photos, found.parts.burst)
    if found and (found.parts.idle or found.parts.trickle):
        drawn["latency"] = partial(node.latency, found.parts)
    return drawn


def _of_waiting(options: argparse.Namespace) -> dict[str, Draw]:
    found = read(options.waiting, Waiting)
    steps = found.steps() if found else []
    return {"waiting": partial(charts.waiting, steps)} if steps else {}


if __name__ == "__main__":
    sys.exit(main())
