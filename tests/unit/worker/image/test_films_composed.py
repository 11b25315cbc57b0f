"""Every frame shows what a compositor of the tests' own makes of it.

`make proof-films` tries more of them, and compares with Chromium.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from support.filming import apngs, gifs, reading, webps
from support.filming.film import Film, apart, timeline
from support.pictures import Bench

MAKERS: dict[str, Callable[[Random], tuple[bytes, Film]]] = {
    "gif": gifs.make,
    "apng": apngs.make,
    "webp": webps.make,
}
SEED = 17


@pytest.mark.parametrize("number", range(30))
@pytest.mark.parametrize("kind", MAKERS)
def test_every_frame(bench: Bench, kind: str, number: int) -> None:
    data, film = MAKERS[kind](Random(f"{SEED} {kind} {number}"))

    (made,) = bench.process(data, {"format": "png", "animated": True}).outputs
    found = reading.read(Path(made.path).read_bytes())

    assert (found.width, found.height) == (film.width, film.height)
    assert apart(timeline(film), timeline(found)) <= (2 if film.blends else 0)
