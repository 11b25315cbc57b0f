"""The worker's pictures beside those of the judges: how each case of the gallery ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import pyvips
from imagejob_worker.contract.failures import ItemFailure

from support.gallery import jpegs, others, pngs, tiffs
from support.gallery.case import Case
from support.pictures import Bench
from support.vips import mean_difference

TOLERANCE = 3.0
"""The most that a channel may differ on average, of 255."""

MAKERS: tuple[tuple[Callable[[Random], Case], int], ...] = (
    (tiffs.make, 30),
    (pngs.make, 25),
    (jpegs.make, 20),
    (others.make_webp, 10),
    (others.make_avif, 8),
    (others.make_gif, 7),
)
"""Who draws, and how many of a hundred pictures."""


class Ending(NamedTuple):
    """How a case ended: `wrong` says what is wrong, `silent` that the worker didn't say so."""

    case: Case
    difference: float | None = None  # None: it was refused, as it had to be
    wrong: str = ""
    silent: bool = False


def gallery(seed: int, count: int) -> Iterator[Case]:
    """Cases by number; each has a seed of its own, so that it can be drawn alone."""
    makers = [maker for maker, share in MAKERS for _ in range(share)]
    for number in range(count):
        rng = Random(f"{seed}-{number}")
        yield rng.choice(makers)(rng)


def ending(bench: Bench, case: Case) -> Ending:
    """Process the case, and compare."""
    try:
        found = bench.shown(case.source)
    except ItemFailure as failure:
        said = f"{failure.reason}: {failure.message}"
        expected = case.refused and failure.reason == "UnsupportedFormat"
        return Ending(case, wrong="" if expected and case.refused in said else said)
    if case.refused:
        return Ending(case, wrong=f"is decoded, and not refused as {case.refused}", silent=True)
    try:
        expected = case.judge.show(case.source, case.painted)
    except pyvips.Error as error:
        return Ending(case, wrong=f"the judge fails: {' '.join(str(error).split())}")
    difference = mean_difference(found, expected)
    if difference <= TOLERANCE:
        return Ending(case, difference)
    return Ending(case, difference, f"differs by {difference:.1f} on average", silent=True)
