"""A background is a colour of sRGB, whichever profile the output keeps."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image
from support.pictures import Bench, Rgb, distance, encoded, opened, pixel
from support.specimens import hostile_profiles, icc, png, spaces

KEEP: dict[str, Any] = {"metadata": {"keep": ["icc"]}}
PADDED = {"width": 48, "height": 32, "fit": "contain"}
ASKED: Rgb = (90, 120, 150)
LINEAR = png.chunk(b"cICP", bytes((1, 8, 0, 1)))
CLEAR = Image.new("RGBA", (32, 32), (200, 30, 30, 0))

# What sRGB's ASKED is in the kept profile.
KEPT: dict[str, tuple[bytes, spaces.Space]] = {
    "Display P3": (encoded(CLEAR, "PNG", icc_profile=icc.display_p3()), spaces.DISPLAY_P3),
    "Adobe RGB": (encoded(CLEAR, "PNG", icc_profile=icc.adobe_rgb()), spaces.ADOBE_RGB),
    "linear": (png.with_chunks(encoded(CLEAR, "PNG"), LINEAR), spaces.numbered(1, 8)),
}
ONE_WAY = icc.profile(
    b"RGB ",
    b"Lab ",
    {
        b"wtpt": icc._xyz(icc.D50_XYZ),
        b"A2B0": hostile_profiles.table(2, bytes(range(0, 240, 10))),
    },
    "one way",
)


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("output", [{"format": "png"}, {"format": "jpeg", "quality": 100}, PADDED])
def test_it_shows_as_asked_beside_a_profile(
    bench: Bench, name: str, output: dict[str, Any]
) -> None:
    source, space = KEPT[name]

    processed = bench.process(source, {"format": "png", "background": "#5a7896"} | output, **KEEP)

    image = opened(processed.outputs[0])
    assert image.info["icc_profile"]
    assert distance(space.shown(pixel(image.convert("RGB"), (2, 2))), ASKED) <= 3


def test_what_is_half_transparent_lies_on_white(bench: Bench) -> None:
    source, space = KEPT["linear"]
    asked = {"format": "jpeg", "quality": 100, "background": "#5a789680"}

    image = opened(bench.process(source, asked, **KEEP).outputs[0])

    found = space.shown(pixel(image.convert("RGB"), (2, 2)))
    assert distance(found, (172, 187, 202)) <= 3


def test_where_a_profile_cannot_say_it_the_output_is_in_srgb(bench: Bench) -> None:
    source = encoded(CLEAR, "PNG", icc_profile=ONE_WAY)

    processed = bench.process(source, {"format": "png", "background": "#5a7896"}, **KEEP)

    image = opened(processed.outputs[0])
    assert "icc_profile" not in image.info
    assert pixel(image.convert("RGB"), (2, 2)) == ASKED
    assert opened(bench.process(source, {"format": "png"}, **KEEP).outputs[0]).info["icc_profile"]
