"""`make proof-films`: does every frame of an animation show what it should?

Animations are made at random, as GIF, APNG and WebP, with every disposal, way to blend, palette,
place and kind of transparency. A compositor of the tests' own, pixel by pixel, says what each frame
shows. The worker makes an APNG of each, which a reader of the tests' own reads: where nothing is
blended, frames have to be equal, elsewhere within what rounding makes of them. Chromium is asked
for the frames of each source, and of an APNG and a lossless WebP made of it.

Exit code: 0 all frames are right, 1 some are not, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from imagebench.machine import CANNOT, MET, MISSED  # noqa: E402
from proofs import chromium, films, record  # noqa: E402


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with TemporaryDirectory(prefix="proof-films-") as name:
            found = films.tried(
                options.seed, options.each, Path(name), ask_chromium=options.chromium
            )
    except chromium.NoChromiumError as error:
        print(f"proof-films: {error}, or --no-chromium", file=sys.stderr)
        return CANNOT
    record.write(options.json, {"seed": options.seed, **found.figures()})
    for wrong in found.wrong[:20]:
        print(wrong)
    judges = f"Chromium, too ({found.asked})" if found.chromium else "Chromium was not asked"
    print(f"{found.films} films of {found.frames} frames, {len(found.wrong)} wrong; {judges}")
    return MISSED if found.wrong else MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=400, help="films of each of three formats")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--no-chromium", dest="chromium", action="store_false")
    parser.add_argument("--json", type=Path, default=record.RECORDS / "films.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
