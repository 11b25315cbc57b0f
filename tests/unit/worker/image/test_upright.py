"""No output needs to be turned, and crops and smaller outputs are turned exactly once.

test_orientation.py checks that each format becomes upright.
"""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image
from support.pictures import CORNERS, STORED, Bench, corners, distance, encoded, opened, quarters

ORIENTATION = 0x0112
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "TIFF": {},
}


def stored(name: str, orientation: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """`quarters` turned from upright, and the orientation that turns it back."""
    method = STORED[orientation]
    image = quarters(size) if method is None else quarters(size).transpose(method)
    if name == "TIFF":
        return encoded(image, name, tiffinfo={ORIENTATION: orientation})
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(image, name, exif=exif, **OPTIONS[name])


def is_upright(image: Image.Image) -> bool:
    found = corners(image)
    return all(distance(one, other) < 30 for one, other in zip(found, CORNERS, strict=True))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", OPTIONS)
def test_nothing_says_turn_me(bench: Bench, name: str, orientation: int) -> None:
    outputs = bench.process(
        stored(name, orientation), *({"format": each} for each in ("jpeg", "webp", "avif"))
    ).outputs

    assert [opened(made).getexif().get(ORIENTATION) for made in outputs] == [None] * 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_crop_is_of_the_displayed_picture(bench: Bench, orientation: int) -> None:
    image = bench.picture(
        stored("JPEG", orientation), width=24, height=24, fit="cover", gravity="east"
    )

    _, top_right, _, bottom_right = CORNERS
    found = corners(image)
    assert distance(found[1], top_right) < 30
    assert distance(found[3], bottom_right) < 30


@pytest.mark.parametrize("orientation", range(1, 9))
def test_derived_outputs_are_turned_once_too(bench: Bench, orientation: int) -> None:
    """The smaller ones start from an intermediate of the larger ones."""
    outputs = bench.process(
        stored("JPEG", orientation, (640, 480)),
        {"width": 60, "height": 60, "fit": "cover", "format": "png"},
        {"width": 160, "format": "png"},
        {"width": 320, "format": "png"},
        {"width": 320, "format": "webp", "lossless": True},
    ).outputs

    assert [(made.width, made.height) for made in outputs] == [
        (60, 60), (160, 120), (320, 240), (320, 240),
    ]  # fmt: skip
    assert all(is_upright(opened(made)) for made in outputs)
