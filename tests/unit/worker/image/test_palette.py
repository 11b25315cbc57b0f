"""PNGs of few colours have a palette, and exactly the same pixels."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from imagejob_worker.contract.facts import Made
from imagejob_worker.image import palette
from PIL import Image
from support.pictures import Bench, encoded, photo
from support.specimens import icc

Colour = tuple[int, ...]
SIZE = (61, 43)


def stored(made: Made) -> Image.Image:
    """The output as it is in the file, whatever its mode."""
    return Image.open(io.BytesIO(Path(made.path).read_bytes()))


def of_colours(mode: str, count: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """An image of so many colours, many of them next to each other; each occurs."""
    source = random.Random(f"{mode} {count}")
    near = [0, 1, 2, 3, 127, 128, 254, 255, *source.sample(range(256), 40)]
    colours: dict[Colour, None] = {}
    while len(colours) < count:
        colours[tuple(source.choice(near) for _ in mode)] = None
    pixels = [*colours, *source.choices(list(colours), k=size[0] * size[1] - count)]
    source.shuffle(pixels)
    return Image.frombytes(mode, size, bytes(value for pixel in pixels for value in pixel))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (16, 4), (17, 8), (256, 8)])
def test_pixels_are_equal(bench: Bench, mode: str, count: int, bits: int) -> None:
    source = of_colours(mode, count)

    (made,) = bench.process(encoded(source, "PNG"), {"format": "png"}).outputs

    data = Path(made.path).read_bytes()
    image = stored(made)
    assert (image.mode, data[24]) == ("P", bits)
    shown = image.convert("RGBA")
    assert shown.tobytes() == source.convert("RGBA").tobytes()


@pytest.mark.parametrize("count", [1, 2, 4, 9, 16])
def test_so_are_those_of_grey(bench: Bench, count: int) -> None:
    source = of_colours("L", count)

    (made,) = bench.process(encoded(source, "PNG"), {"format": "png"}).outputs

    image = stored(made)
    assert image.mode == "P"
    assert image.convert("L").tobytes() == source.tobytes()


@pytest.mark.parametrize(
    ("source", "mode"),
    [
        (of_colours("RGB", 257), "RGB"),
        (of_colours("RGBA", 257), "RGBA"),
        (of_colours("L", 17), "L"),
        (photo((100, 100)), "RGB"),
        (of_colours("RGB", 200, (16, 16)), "RGB"),  # 600 bytes of palette for 768 of pixels
    ],
)
def test_no_palette_where_it_saves_nothing(bench: Bench, source: Image.Image, mode: str) -> None:
    (made,) = bench.process(encoded(source, "PNG"), {"format": "png"}).outputs

    image = stored(made)
    assert image.mode == mode
    assert image.tobytes() == source.tobytes()


def test_colours_under_alpha_0_are_kept(bench: Bench) -> None:
    source = of_colours("RGB", 100).convert("RGBA")
    source.putalpha(Image.linear_gradient("L").resize(SIZE).point(lambda level: 255 * (level > 99)))

    (made,) = bench.process(encoded(source, "PNG"), {"format": "png"}).outputs

    image = stored(made)
    assert image.mode == "P"
    assert image.convert("RGBA").tobytes() == source.tobytes()


def test_an_image_larger_than_a_strip(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(palette, "STRIP", 61 * 10)
    source = of_colours("RGBA", 250)

    (made,) = bench.process(encoded(source, "PNG"), {"format": "png"}).outputs

    assert stored(made).convert("RGBA").tobytes() == source.tobytes()


def test_a_profile_for_grey_needs_pixels_of_grey(bench: Bench) -> None:
    source = of_colours("L", 4)
    kept = {"metadata": {"keep": ["icc"]}}

    (made,) = bench.process(
        encoded(source, "PNG", icc_profile=icc.grey(1.8)), {"format": "png"}, **kept
    ).outputs

    assert stored(made).mode == "L"
