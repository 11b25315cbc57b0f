"""Where an output's pixels come from and where they go."""

from __future__ import annotations

from typing import Any

import pytest
from imagejob_worker.contract.order import Output
from imagejob_worker.image.geometry import Placement, place, unoriented
from PIL import Image
from support.pictures import STORED, Bench, distance, encoded, opened, pixel

SOURCE = (400, 200)
WHOLE = (0, 0, 400, 200)


def placed(source: tuple[int, int] = SOURCE, **fields: Any) -> Placement:
    return place(source, Output(name="o", **fields))


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (400, 200)),
        ({"width": 100}, (100, 50)),
        ({"height": 50}, (100, 50)),
        ({"width": 100, "height": 100}, (100, 50)),
        ({"width": 800}, (400, 200)),
        ({"width": 800, "enlarge": True}, (800, 400)),
        ({"width": 800, "height": 100, "enlarge": True}, (200, 100)),
        ({"width": 1}, (1, 1)),
        ({"width": 100, "fit": "cover"}, (100, 50)),
        ({"height": 50, "fit": "contain"}, (100, 50)),
        ({"height": 50, "fit": "fill"}, (100, 50)),
    ],
)
def test_inside_keeps_the_whole_picture(asked: dict[str, Any], size: tuple[int, int]) -> None:
    assert placed(**asked) == Placement(WHOLE, size, size)


@pytest.mark.parametrize(
    ("asked", "size", "box"),
    [
        ({"width": 100, "height": 100}, (100, 100), (100, 0, 300, 200)),
        ({"width": 100, "height": 25}, (100, 25), (0, 50, 400, 150)),
        ({"width": 100, "height": 100, "gravity": "west"}, (100, 100), (0, 0, 200, 200)),
        ({"width": 100, "height": 100, "gravity": "east"}, (100, 100), (200, 0, 400, 200)),
        ({"width": 100, "height": 25, "gravity": "north"}, (100, 25), (0, 0, 400, 100)),
        ({"width": 100, "height": 25, "gravity": "south"}, (100, 25), (0, 100, 400, 200)),
        ({"width": 100, "height": 100, "gravity": "northeast"}, (100, 100), (200, 0, 400, 200)),
        ({"width": 100, "height": 25, "gravity": "northeast"}, (100, 25), (0, 0, 400, 100)),
        # The box shrinks in its proportions, so nothing is enlarged...
        ({"width": 400, "height": 400}, (200, 200), (100, 0, 300, 200)),
        ({"width": 1000, "height": 100}, (400, 40), (0, 80, 400, 120)),
        # ...unless the output asks for that.
        ({"width": 400, "height": 400, "enlarge": True}, (400, 400), (100, 0, 300, 200)),
    ],
)
def test_cover_fills_the_box(
    asked: dict[str, Any], size: tuple[int, int], box: tuple[float, ...]
) -> None:
    assert placed(fit="cover", **asked) == Placement(box, size, size)  # type: ignore[arg-type]


def test_a_crop_moves_no_pixel_by_a_fraction() -> None:
    placement = placed((401, 200), width=200, height=200, fit="cover")

    assert placement.box[0] % 1 == 0
    assert placement.extent == (200, 200)


@pytest.mark.parametrize(
    ("asked", "size", "at"),
    [
        ({"width": 100, "height": 100}, (100, 50), (0, 25)),
        ({"width": 100, "height": 100, "gravity": "north"}, (100, 50), (0, 0)),
        ({"width": 100, "height": 100, "gravity": "southeast"}, (100, 50), (0, 50)),
        ({"width": 500, "height": 300}, (400, 200), (50, 50)),
        ({"width": 500, "height": 300, "gravity": "southeast"}, (400, 200), (100, 100)),
        ({"width": 500, "height": 300, "enlarge": True}, (500, 250), (0, 25)),
    ],
)
def test_contain_has_exactly_the_box(
    asked: dict[str, Any], size: tuple[int, int], at: tuple[int, int]
) -> None:
    canvas = (asked["width"], asked["height"])

    assert placed(fit="contain", **asked) == Placement(WHOLE, size, canvas, at)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"width": 100, "height": 100}, (100, 100)),
        ({"width": 800, "height": 800}, (200, 200)),
        ({"width": 800, "height": 800, "enlarge": True}, (800, 800)),
    ],
)
def test_fill_stretches(asked: dict[str, Any], size: tuple[int, int]) -> None:
    assert placed(fit="fill", **asked) == Placement(WHOLE, size, size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_displayed_box_is_found_in_the_stored_picture(orientation: int) -> None:
    displayed = Image.new("L", (8, 6))
    displayed.paste(255, (1, 2, 4, 5))
    method = STORED[orientation]
    stored = displayed if method is None else displayed.transpose(method)

    box = unoriented((1, 2, 4, 5), stored.size, orientation)

    assert box == stored.getbbox()


GRAVITIES = {
    "northwest": (0, 0), "north": (1, 0), "northeast": (2, 0),
    "west": (0, 1), "center": (1, 1), "east": (2, 1),
    "southwest": (0, 2), "south": (1, 2), "southeast": (2, 2),
}  # fmt: skip


@pytest.mark.parametrize("gravity", GRAVITIES)
@pytest.mark.parametrize("size", [(90, 30), (30, 90)])
def test_gravity_keeps_its_part(bench: Bench, gravity: str, size: tuple[int, int]) -> None:
    """Three bands along the longer side; a square crop keeps one."""
    source = Image.new("RGB", size)
    bands = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    axis = 0 if size[0] > size[1] else 1
    for index, colour in enumerate(bands):
        left, top = (30 * index, 0) if axis == 0 else (0, 30 * index)
        source.paste(colour, (left, top, left + 30, top + 30))

    image = bench.picture(encoded(source, "PNG"), width=30, height=30, fit="cover", gravity=gravity)

    assert image.getcolors() == [(900, bands[GRAVITIES[gravity][axis]])]


@pytest.mark.parametrize("name", ["png", "webp", "avif", "jpeg"])
@pytest.mark.parametrize(
    ("background", "expected"),
    [
        (None, (255, 255, 255, 0)),
        ("#f80", (255, 136, 0, 255)),
        ("#102030", (16, 32, 48, 255)),
        ("#ff000080", (255, 0, 0, 128)),
    ],
)
def test_contain_shows_the_background_beside_the_picture(
    bench: Bench, name: str, background: str | None, expected: tuple[int, ...]
) -> None:
    source = encoded(Image.new("RGB", (40, 20), (0, 0, 0)), "PNG")

    (made,) = bench.process(
        source,
        {"width": 40, "height": 40, "fit": "contain", "format": name, "background": background},
    ).outputs

    image = opened(made).convert("RGBA")
    bar, inside = pixel(image, (20, 2)), pixel(image, (20, 20))
    if name == "jpeg":  # has no transparency: translucent pixels are drawn on white
        share = expected[3] / 255
        expected = (*(round(255 + (part - 255) * share) for part in expected[:3]), 255)
    assert abs(bar[3] - expected[3]) <= 1
    assert not expected[3] or distance(bar[:3], expected[:3]) <= 4  # type: ignore[arg-type]
    assert distance(inside[:3], (0, 0, 0)) <= 4
    assert inside[3] == 255


@pytest.mark.parametrize("text", ["#12", "red", "#ggg", "#1234567", ""])
def test_what_is_no_colour_is_a_fault_of_the_order(text: str) -> None:
    from imagejob_worker.image.steps.canvas import parse_colour

    with pytest.raises(ValueError, match=r"colour|hex"):
        parse_colour(text)
