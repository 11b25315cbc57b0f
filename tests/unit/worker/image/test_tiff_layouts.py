"""Which layouts of TIFF samples are decoded, and that these look as libvips shows them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from imagejob_worker.contract.failures import ItemFailure
from support.gallery.tiff_table import cells, painted, ways_of
from support.judges import Judge
from support.pictures import Bench
from support.specimens import samples
from support.specimens.samples import Colour
from support.vips import mean_difference

SIDES = (12, 8)
TOLERANCE = 3.0
CELLS = list(cells())
DECODED = {name: (layout, judge) for name, layout, judge in CELLS if isinstance(judge, Judge)}
REFUSED = {name: (layout, called) for name, layout, called in CELLS if isinstance(called, str)}


def paint(x: int, y: int) -> Colour:
    """All four change, each in its own direction."""
    right, down = x / (SIDES[0] - 1), y / (SIDES[1] - 1)
    return right, down, (x * 5 + y * 3) % 12 / 11, 0.3 + 0.7 * (1 - right)


@pytest.mark.parametrize("name", DECODED)
def test_a_layout_is_decoded_right_however_it_is_written(bench: Bench, name: str) -> None:
    layout, judge = DECODED[name]
    picture = painted(layout, paint, SIDES)
    for way, choices in ways_of(layout).items():
        for order in "<>":
            source = samples.write(replace(layout, order=order, **choices), paint, SIDES)

            expected = judge.show(source, picture)

            assert mean_difference(bench.shown(source), expected) <= TOLERANCE, (way, order)


@pytest.mark.parametrize("name", REFUSED)
def test_a_layout_that_is_beyond_us_is_refused_by_name(bench: Bench, name: str) -> None:
    layout, called = REFUSED[name]
    for order in "<>":
        source = samples.write(replace(layout, order=order), paint, SIDES)

        with pytest.raises(ItemFailure) as caught:
            bench.process(source, {})

        assert caught.value.reason == "UnsupportedFormat"
        assert f"the source is {called} TIFF" in caught.value.message
