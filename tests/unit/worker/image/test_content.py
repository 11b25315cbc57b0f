"""What is drawn is told from photographs, by measures that the made pictures calibrate."""

from __future__ import annotations

from collections import Counter

import pytest
from imagejob_worker.image.content import Content, measure
from PIL import Image, ImageDraw
from support.corpus import EACH, KINDS, LOSSLESS, corpus
from support.pictures import photo

PHOTOGRAPHIC = {"photograph", "night", "scan"}
"""Kinds none of which is even soft."""

MISSES = {"map": 1}
"""Of the 15 pictures of a kind: what decision 0051 says."""


def test_the_misses_are_those_of_the_record() -> None:
    """In one test: the pictures take seconds to make, in each process that does."""
    found = [
        (made.name.rpartition("-")[0], made.right == LOSSLESS, measure(made.image).content)
        for made in corpus()
    ]

    misses = Counter(kind for kind, drawn, content in found if drawn != (content is Content.DRAWN))
    photographic = {content for kind, _, content in found if kind in PHOTOGRAPHIC}
    assert len(found) == len(KINDS) * EACH
    assert misses == MISSES
    assert photographic == {Content.PHOTO}


def test_a_reduced_drawing_is_no_photograph() -> None:
    halves = [
        (made.name, made.image.resize((made.image.width // 2, made.image.height // 2)))
        for made in corpus(5, ("screenshot", "diagram", "chart", "logo"))
    ]

    contents = Counter(measure(half).content for _, half in halves)

    assert len(halves) == 20
    assert contents[Content.PHOTO] == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 70_000), (70_000, 1), (2, 2), (31, 9_000)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_any_size_is_measured(mode: str, size: tuple[int, int]) -> None:
    assert measure(Image.new(mode, size)).content is Content.DRAWN


def test_a_large_image_is_measured_from_one_edge_to_the_other() -> None:
    """Half of it is drawn: a sample of its beginning alone would see no change at all."""
    image = Image.new("RGB", (1600, 1200), "white")
    image.paste(photo((800, 1200)), (800, 0))

    assert measure(image).flat == pytest.approx(0.5, abs=0.05)


def test_colours_under_full_transparency_do_not_count() -> None:
    noise = photo((300, 300)).convert("RGBA")
    noise.putalpha(0)
    ImageDraw.Draw(noise).rectangle((20, 20, 200, 200), fill=(200, 0, 0, 255))

    measured = measure(noise)

    assert measured.flat > 0.98
    assert measured.content is Content.DRAWN
