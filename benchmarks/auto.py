"""Print what `auto` makes of the made pictures: its choices, its misses, and their bytes.

The table of docs/decisions/0051 is this program's. A picture's lossless file is a WebP, its lossy
one a JPEG, or a WebP if it has transparency.
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
import io
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from imagejob_worker.image.content import Content, measure
from PIL import Image
from support.corpus import EACH, KINDS, LOSSLESS, corpus


def main() -> int:
    """Exit code: 0."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for made in corpus():
        row, image = found[made.name.rpartition("-")[0]], made.image
        content = measure(image).content
        lossless = _bytes(image, "WEBP", lossless=True, quality=70, method=4)
        webp = _bytes(image, "WEBP", quality=80, method=4)
        jpeg = webp if image.mode == "RGBA" else _bytes(image, "JPEG", quality=82, optimize=True)
        row[content.name] += 1
        row["misses"] += (made.right == LOSSLESS) != (content is Content.DRAWN)
        row["lossless"] += lossless
        row["jpeg"] += jpeg
        row["auto"] += {Content.DRAWN: lossless, Content.SOFT: webp, Content.PHOTO: jpeg}[content]
    print("| kind | right | drawn | soft | photo | misses | auto | all JPEG | all lossless |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, row in found.items():
        chosen = " | ".join(str(row[each.name]) for each in Content)
        kib = " | ".join(f"{row[each] / 1024 / EACH:.1f}" for each in ("auto", "jpeg", "lossless"))
        print(f"| {kind} | {KINDS[kind][1]} | {chosen} | {row['misses']} | {kib} |")
    return 0


def _bytes(image: Image.Image, name: str, **options: object) -> int:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return len(buffer.getvalue())


if __name__ == "__main__":
    sys.exit(main())
