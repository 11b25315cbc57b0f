"""`make plots`: draw what the benchmarks have found, for docs/scaling.md.

Reads what `benchmarks/operator.py` and `benchmarks/waiting.py` have written, measures nothing, and
writes SVGs: the same bytes for the same figures. What wasn't measured is left out, and said.

Exit code: 0 drawn, 2 nothing to draw (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from benchplots import charts, style
from benchplots.found import Operator, Waiting, read
from benchplots.writes import writes
from imagebench.machine import BUILD, CANNOT, MET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[1] / "docs" / "images" / "scaling"


def main() -> int:
    """Draw what there is."""
    options = _options()
    try:
        operator = read(options.operator, Operator)
        waiting = read(options.waiting, Waiting)
    except msgspec.DecodeError as error:
        print(f"plots: that is not what a benchmark writes: {error}", file=sys.stderr)
        return CANNOT
    missing = [str(path) for path in (options.operator, options.waiting) if not path.exists()]
    print("".join(f"left out: there is no {path}\n" for path in missing), end="")
    if len(missing) > 1:
        print("plots: nothing to draw; run `make bench-operator` first", file=sys.stderr)
        return CANNOT
    with style.styled():
        for name, figure in _figures(operator, waiting):
            path = options.out / f"{name}.svg"
            print(f"{path}: {style.save(figure, path) / 1000:.0f} KB")
    return MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--operator", type=Path, default=BUILD / "operator.json", help="what bench-operator wrote")
    add("--waiting", type=Path, default=BUILD / "waiting.json", help="what bench-waiting wrote")
    add("--out", type=Path, default=DOCS, help="write SVGs here")
    return parser.parse_args()


def _figures(operator: Operator | None, waiting: Waiting | None) -> Iterator[tuple[str, Figure]]:
    parts = operator.parts if operator else None
    if parts and parts.burst:
        yield "burst", charts.burst(parts.burst)
        yield "writes", writes(parts.burst)
    if parts and parts.growth:
        yield "time", charts.times(parts.growth)
        yield "memory", charts.memory(parts.growth, parts.calm)
    if waiting and waiting.steps():
        yield "waiting", charts.waiting(waiting.steps())


if __name__ == "__main__":
    sys.exit(main())
