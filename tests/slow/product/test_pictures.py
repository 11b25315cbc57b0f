"""Every picture as libvips shows it, or refused by name: `make proof-pictures` with 300 of them."""

from __future__ import annotations

from pathlib import Path

from support.gallery.hanging import MAKERS, ending, gallery
from support.pictures import Bench

SEED, PICTURES = 300, 300


def test_each_of_300_pictures_is_right_or_refused_by_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    endings = [ending(bench, case) for case in gallery(SEED, PICTURES)]

    assert [f"{each.case.name}: {each.wrong}" for each in endings if each.wrong] == []
    assert len({each.case.format for each in endings}) == len(MAKERS)
    assert sum(each.difference is not None for each in endings) > PICTURES * 0.7
