"""`make proof-phones`: do the photos of phones work at the default limits and memory?

Twelve JPEGs of 50 to 200 megapixels and panoramas, baseline and progressive, are made and given to
real workers of the default sizes, each with three outputs and once with one of its own size. Each
has to end as docs/limits.md says, with the peak of all of the worker's processes within the memory
of its pod.

Exit code: 0 all targets met, 1 one missed.
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from imagebench.machine import MET, MISSED  # noqa: E402
from proofs import phones, record  # noqa: E402
from support.phone_photos import PHOTOS  # noqa: E402


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    photos = [photo for photo in PHOTOS if options.only in photo.name]
    wrong: list[str] = []
    figures: dict[str, Any] = {}
    for photo in photos:
        for kind, outputs, expected in (
            ("reduced", phones.OUTPUTS, "Succeeded"),
            ("whole", phones.WHOLE, "TooLarge"),
        ):
            with TemporaryDirectory(prefix="proof-phones-") as folder:
                tried = phones.process(photo, Path(folder), outputs)
            name = f"{photo.name}: {kind}"
            figures[name] = tried
            wrong += phones.faults(name, tried, expected)
            print(f"{name}: {tried}", flush=True)
    record.write(options.json, {"photos": figures, "wrong": wrong})
    for fault in wrong:
        print(fault, file=sys.stderr)
    return MISSED if wrong else MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="photos whose name contains this")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "benchmarks/records/phones.json", help="the record"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
