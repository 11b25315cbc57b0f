"""Orientation 1 to 8, in every format that carries it: what comes out is upright, once."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from PIL import Image
from support.pictures import CORNERS, STORED, Bench, corners, distance, encoded, opened, quarters

ORIENTATION, RESOLUTION_UNIT = 0x0112, 0x0128
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "TIFF": {},
}


def stored(name: str, orientation: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """`quarters` turned away from upright, and the orientation that turns it back."""
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
class TestEveryFormat:
    def test_full_size(self, bench: Bench, name: str, orientation: int) -> None:
        processed = bench.process(stored(name, orientation), {"format": "png"})

        image = opened(processed.outputs[0])
        assert (processed.source.width, processed.source.height) == (64, 48)
        assert image.size == (64, 48)
        assert is_upright(image)

    def test_reduced(self, bench: Bench, name: str, orientation: int) -> None:
        image = bench.picture(stored(name, orientation), width=32, height=32)

        assert image.size == (32, 24)
        assert is_upright(image)

    def test_nothing_says_turn_me(self, bench: Bench, name: str, orientation: int) -> None:
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


def test_exif_of_avif_turns_nothing(bench: Bench) -> None:
    """HEIF turns by its own properties; an orientation in EXIF is only a copy, or a lie."""
    exif = Image.Exif()
    exif[RESOLUTION_UNIT] = 3
    data = encoded(quarters(), "AVIF", exif=exif, **OPTIONS["AVIF"])
    unit, lie = (
        struct.pack(">HHIH", tag, 3, 1, value)
        for tag, value in ((RESOLUTION_UNIT, 3), (ORIENTATION, 6))
    )
    assert data.count(unit) == 1

    lying = data.replace(unit, lie)

    assert is_upright(bench.picture(lying))
