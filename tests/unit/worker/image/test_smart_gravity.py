"""`gravity: smart`: the crop goes where there is something to see."""

from __future__ import annotations

from pathlib import Path

import pytest
from imagejob_worker.image.steps import smart_gravity as gravity
from PIL import Image
from support.pictures import STORED, Bench, encoded, opened, photo

GREY, SKIN = (120, 120, 120), (224, 172, 138)
DETAIL = photo((60, 60), seed=7).resize((30, 30)).resize((60, 60), Image.Resampling.NEAREST)


def scene(size: tuple[int, int], at: tuple[int, int], thing: Image.Image) -> Image.Image:
    """An object on plain grey."""
    image = Image.new("RGB", size, GREY)
    image.paste(thing, at)
    return image


def skin() -> Image.Image:
    return Image.new("RGB", (60, 60), SKIN)


def share_of_grey(image: Image.Image) -> float:
    rgb = image.convert("RGB")
    grey = sum(
        all(abs(part - 120) < 6 for part in rgb.getpixel((x, y)))  # type: ignore[union-attr]
        for x in range(0, rgb.width, 2)
        for y in range(0, rgb.height, 2)
    )
    return grey / (rgb.width // 2 * (rgb.height // 2))


@pytest.mark.parametrize("thing", [DETAIL, skin()], ids=["detail", "skin"])
@pytest.mark.parametrize(
    ("size", "at"),
    [
        ((400, 100), (20, 20)),
        ((400, 100), (170, 20)),
        ((400, 100), (330, 20)),
        ((100, 400), (20, 10)),
        ((100, 400), (20, 320)),
    ],
)
def test_finds_the_thing(
    bench: Bench, size: tuple[int, int], at: tuple[int, int], thing: Image.Image
) -> None:
    source = encoded(scene(size, at, thing), "PNG")

    image = bench.picture(source, width=100, height=100, fit="cover", gravity="smart")

    assert share_of_grey(image) < 1 - 0.9 * 0.36


@pytest.mark.parametrize("orientation", range(1, 9))
def test_finds_it_in_a_turned_picture(bench: Bench, orientation: int) -> None:
    upright = scene((400, 100), (330, 20), skin())
    method = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if method is None else upright.transpose(method)

    image = bench.picture(
        encoded(stored, "JPEG", exif=exif), width=50, height=50, fit="cover", gravity="smart"
    )

    assert share_of_grey(image) < 1 - 0.8 * 0.36


def test_skin_is_worth_more_than_detail(bench: Bench) -> None:
    image = scene((400, 100), (20, 20), DETAIL)
    image.paste(skin(), (320, 20))

    found = bench.picture(
        encoded(image, "PNG"), width=100, height=100, fit="cover", gravity="smart"
    )

    assert found.convert("RGB").getpixel((70, 50)) == SKIN


def test_what_is_transparent_is_worth_nothing(bench: Bench) -> None:
    image = scene((400, 100), (20, 20), skin()).convert("RGBA")
    image.putalpha(Image.new("L", (400, 100), 0))
    image.paste((*SKIN, 255), (320, 20, 380, 80))

    found = bench.picture(
        encoded(image, "PNG"), width=100, height=100, fit="cover", gravity="smart"
    )

    assert found.getchannel("A").getextrema() == (0, 255)


def test_a_plain_picture_is_cropped_at_its_centre(bench: Bench) -> None:
    image = Image.new("RGB", (400, 100), GREY)
    asked = {"width": 100, "height": 100, "fit": "cover", "format": "png"}

    smart, centre = bench.process(
        encoded(image, "PNG"), asked | {"gravity": "smart"}, asked
    ).outputs

    assert Path(smart.path).read_bytes() == Path(centre.path).read_bytes()


def test_shapes_that_need_no_crop_are_left_alone(bench: Bench) -> None:
    source = encoded(photo((120, 80)), "PNG")

    (made,) = bench.process(
        source, {"width": 60, "height": 40, "fit": "cover", "gravity": "smart", "format": "png"}
    ).outputs

    assert opened(made).size == (60, 40)


@pytest.mark.parametrize(
    ("profile", "share", "expected"),
    [
        ([0, 0, 0, 9, 9, 0, 0, 0], 0.25, 0.5),
        ([9, 9, 0, 0, 0, 0, 0, 0], 0.25, 0.0),
        ([0, 0, 0, 0, 0, 0, 9, 9], 0.25, 1.0),
        ([1] * 9, 1 / 3, 0.5),
        ([0, 5, 0, 0, 0, 0, 0, 5, 0], 1 / 3, 0.0),  # the first of two equals: neither is nearer
        ([1, 2, 3], 1.0, 0.5),
        ([7], 0.1, 0.5),
    ],
)
def test_the_window_goes_where_it_is_worth_most(
    profile: list[float], share: float, expected: float
) -> None:
    assert gravity.best(profile, share) == expected
