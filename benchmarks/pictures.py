"""`make proof-pictures`: does every picture come out as libvips shows it, or refused by name?

Three thousand small pictures of all formats and layouts are drawn from a seed, written, processed
and compared. Where libvips is no judge, a picture has another; the record says why, and for how
many.

Exit code: 0 all are right, 1 some are not.
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from imagebench.machine import MET, MISSED  # noqa: E402
from proofs import record  # noqa: E402
from support.gallery.hanging import TOLERANCE, Ending, ending, gallery  # noqa: E402
from support.pictures import Bench  # noqa: E402


def main() -> int:
    """Draw, compare, and write down what came of it."""
    options = _options()
    with TemporaryDirectory(prefix="proof-pictures-") as name:
        bench = Bench(Path(name))
        endings = [ending(bench, case) for case in gallery(options.seed, options.pictures)]
    figures = {"seed": options.seed, "tolerance": TOLERANCE, **_figures(endings)}
    record.write(options.json, figures)
    wrong = [each for each in endings if each.wrong]
    for each in wrong:
        print(_line(each))
    print(f"{len(endings):,} pictures, {len(wrong)} wrong, {figures['silent']} of them silently")
    return MISSED if wrong else MET


def _figures(endings: Sequence[Ending]) -> dict[str, object]:
    right = [each for each in endings if not each.wrong]
    compared = [each for each in right if each.difference is not None]
    largest: dict[str, float] = {}
    for each in compared:
        before = largest.get(each.case.format, 0.0)
        largest[each.case.format] = max(before, round(each.difference or 0.0, 2))
    return {
        "pictures": len(endings),
        "byFormat": dict(Counter(each.case.format for each in endings).most_common()),
        "asLibvips": sum(not each.case.judge.why for each in compared),
        "asOthersSay": dict(
            Counter(each.case.judge.why for each in compared if each.case.judge.why).most_common()
        ),
        "refusedByName": sum(each.difference is None for each in right),
        "largestDifference": largest,
        "wrong": [_line(each) for each in endings if each.wrong],
        "silent": sum(each.silent for each in endings),
    }


def _line(ending: Ending) -> str:
    return f"{ending.case.format} {ending.case.name}: {ending.wrong}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "pictures.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
