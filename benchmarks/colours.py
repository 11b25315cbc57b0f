"""`make proof-colours`: are colours what Chromium and libvips show of the same files?

Chromium judges what says its colours by code points, gamma and chromaticities, by EXIF and by
profiles, on a canvas in sRGB; libvips, asked for the same rendering intent, judges profiles, among
them those of presses, of up to 4 MiB.

Exit code: 0 all are within the bound, 1 some are not, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from imagebench.machine import CANNOT, MET, MISSED
from proofs import chromium, colours, record


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with TemporaryDirectory(prefix="proof-colours-") as name:
            browser = chromium.version()
            judged = [*colours.by_chromium(Path(name)), *colours.by_libvips(Path(name))]
    except (ImportError, chromium.NoChromiumError) as error:
        print(f"proof-colours: {error}", file=sys.stderr)
        return CANNOT
    wrong = [each for each in judged if each.difference > each.bound]
    for each in wrong:
        print(f"{each.judge}, {each.name}: {each.difference} of 255")
    figures = {"chromium": browser, "libvips": colours.libvips(), **colours.figures(judged)}
    record.write(options.json, figures)
    print(f"{len(judged)} images, {len(wrong)} beyond the bound")
    return MISSED if wrong else MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "colours.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
