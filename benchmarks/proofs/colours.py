"""The judges of `make proof-colours`, and what the pipeline makes of the same files."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from support.pictures import Bench
from support.specimens import coloured, coloured_others, presses

from proofs import chromium

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from support.specimens.colour import Rgb

LOSSLESS, LOSSY = 2, 3
"""Of 255, in any channel of any patch. Decoders of lossy formats round differently."""


class Judged(NamedTuple):
    """One file: the largest difference to what the judge shows."""

    judge: str
    kind: str
    name: str
    difference: int
    bound: int


def by_chromium(folder: Path) -> Iterator[Judged]:
    """Every image that browsers read as we do, beside what Chromium shows."""
    bench = _bench(folder / "chromium")
    for kind in (*coloured_others.KINDS, presses.rgb_and_grey, presses.grey_in_rgb):
        cases = [case for case in kind() if case.browser]
        files = {case.name: (f"image/{case.format}", case.data) for case in cases}
        rows = chromium.middle_rows(files)
        for case in cases:
            row, bound = rows[case.name], LOSSLESS if case.format == "png" else LOSSY
            shown = row and [pixel[:3] for pixel in row[coloured.PATCH // 2 :: coloured.PATCH]]
            found = _made(bench, case.data)
            yield Judged("Chromium", kind.__name__, case.name, _furthest(found, shown), bound)


def by_libvips(folder: Path) -> Iterator[Judged]:
    """Every image with a profile, beside what libvips makes of it with the same intent."""
    bench = _bench(folder / "libvips")
    for kind in (presses.rgb_and_grey, presses.cmyk):
        for case in kind():
            found = _made(bench, case.data)
            difference = _furthest(found, _vips(case.data))
            yield Judged("libvips", kind.__name__, case.name, difference, LOSSY)


def libvips() -> str:
    """Its version."""
    import pyvips

    return ".".join(str(pyvips.version(part)) for part in range(3))


def figures(judged: Iterable[Judged]) -> dict[str, Any]:
    """How many of each judge and kind there were, the largest difference, and the bound."""
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        kinds[f"{each.judge}, {each.kind}"].append(each)
    return {
        kind: {"images": len(all_), "furthest": max(each.difference for each in all_)}
        for kind, all_ in kinds.items()
    }


def _bench(folder: Path) -> Bench:
    folder.mkdir()
    return Bench(folder)


def _made(bench: Bench, data: bytes) -> list[Rgb]:
    return coloured.middles(bench.picture(data))


def _vips(data: bytes) -> list[Rgb]:
    import pyvips

    image = pyvips.Image.new_from_buffer(data, "")
    shown = image.icc_transform("srgb", embedded=True, intent="perceptual")
    return coloured.middles(Image.open(io.BytesIO(shown.write_to_buffer(".png"))))


def _furthest(found: list[Rgb], shown: list[Rgb] | None) -> int:
    """The largest difference of any channel; 255 where the judge shows no image."""
    if shown is None:
        return 255
    pairs = zip(found, shown, strict=True)
    return max(abs(a - b) for one, two in pairs for a, b in zip(one, two, strict=True))
