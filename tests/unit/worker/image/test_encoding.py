"""Formats, their settings, and the same bytes every time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from imagejob_worker.contract.failures import ItemFailure
from PIL import Image
from support.pictures import Bench, difference, encoded, opened, photo

PHOTO = photo((240, 160))
JPEG = encoded(PHOTO, "JPEG", quality=95)


def clear_corner(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 20, 20))
    return image


def drawing() -> Image.Image:
    image = Image.new("P", (240, 160), 0)
    image.putpalette([255, 255, 255, 200, 0, 0, 0, 0, 200])
    image.paste(1, (10, 10, 100, 100))
    image.paste(2, (90, 90, 200, 150))
    return image


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("jpeg", "image/jpeg"),
        ("png", "image/png"),
        ("webp", "image/webp"),
        ("avif", "image/avif"),
    ],
)
def test_each_format(bench: Bench, name: str, content_type: str) -> None:
    (made,) = bench.process(JPEG, {"name": "thumb", "format": name, "width": 120}).outputs

    assert (made.name, made.format, made.width, made.height) == ("thumb", name, 120, 80)
    assert made.content_type == content_type
    assert Path(made.path).parent == bench.folder
    assert difference(opened(made), PHOTO.resize((120, 80), Image.Resampling.LANCZOS)) < 8


def test_outputs_come_in_the_order_of_the_item(bench: Bench) -> None:
    outputs = bench.process(
        JPEG, {"name": "b", "width": 50}, {"name": "a", "width": 200}, {"name": "c", "width": 100}
    ).outputs

    assert [(made.name, made.width) for made in outputs] == [("b", 50), ("a", 200), ("c", 100)]
    assert len(list(bench.folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("source", "asked", "expected"),
    [
        (JPEG, {}, "JPEG"),
        (encoded(PHOTO, "PNG"), {}, "JPEG"),
        (encoded(PHOTO.convert("RGBA"), "PNG"), {}, "JPEG"),
        (encoded(clear_corner(PHOTO), "PNG"), {}, "WEBP lossy"),
        (encoded(clear_corner(PHOTO), "PNG"), {"background": "#fff"}, "JPEG"),
        (encoded(clear_corner(PHOTO), "PNG"), {"background": "#ffffff80"}, "WEBP lossy"),
        (JPEG, {"width": 100, "height": 100, "fit": "contain"}, "JPEG"),
        (
            JPEG,
            {"width": 100, "height": 100, "fit": "contain", "background": "#0000"},
            None,
        ),
        (
            JPEG,
            {"width": 100, "height": 100, "fit": "contain", "background": "#00000000"},
            "WEBP lossy",
        ),
        (encoded(drawing(), "PNG"), {}, "WEBP lossless"),
        (encoded(drawing(), "GIF"), {}, "WEBP lossless"),
        (encoded(drawing(), "PNG"), {"width": 100}, "WEBP lossless"),
        (encoded(drawing().convert("RGB"), "PNG"), {}, "WEBP lossless"),
        (encoded(drawing().convert("RGB"), "WEBP", quality=90), {"width": 200}, "WEBP lossless"),
        (encoded(PHOTO.quantize(256), "PNG"), {}, "JPEG"),
        (encoded(PHOTO.quantize(256), "GIF"), {}, "JPEG"),
        (encoded(Image.new("RGB", (90, 60), (1, 2, 3)), "PNG"), {}, "WEBP lossless"),
        (JPEG, {"lossless": True}, "WEBP lossless"),
    ],
)
def test_auto(bench: Bench, source: bytes, asked: dict[str, Any], expected: str | None) -> None:
    if expected is None:  # the API rejects a colour of four digits
        with pytest.raises(ItemFailure, match="colour"):
            bench.process(source, asked)
        return
    (made,) = bench.process(source, asked).outputs

    data = Path(made.path).read_bytes()
    kind = {b"VP8L": " lossless", b"VP8 ": " lossy", b"VP8X": " lossy"}.get(data[12:16], "")
    assert f"{opened(made).format}{kind}" == expected


@pytest.mark.parametrize(
    ("asked", "expected"), [({"format": "webp", "lossless": True}, 0.0), ({"format": "png"}, 0.0)]
)
def test_lossless_is(bench: Bench, asked: dict[str, Any], expected: float) -> None:
    source = photo((60, 40))

    image = bench.picture(encoded(source, "PNG"), **asked)

    assert difference(image, source) == expected


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif"])
def test_quality_trades_bytes(bench: Bench, name: str) -> None:
    low, default, high = bench.process(
        JPEG,
        {"format": name, "quality": 20},
        {"format": name},
        {"format": name, "quality": 95},
    ).outputs

    assert low.bytes < default.bytes < high.bytes


@pytest.mark.parametrize(("progressive", "marker"), [(True, b"\xff\xc2"), (False, b"\xff\xc0")])
def test_progressive(bench: Bench, progressive: bool, marker: bytes) -> None:  # noqa: FBT001 (a table's column)
    (made,) = bench.process(JPEG, {"format": "jpeg", "progressive": progressive}).outputs

    assert marker in Path(made.path).read_bytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [60, 89, 94, 100])
def test_noise_at_any_quality_fits_the_encoders_buffer(
    bench: Bench,
    quality: int,
    progressive: bool,  # noqa: FBT001 (a table's column)
) -> None:
    import random

    noise = Image.frombytes("RGB", (256, 256), random.Random(3).randbytes(256 * 256 * 3))

    image = bench.picture(
        encoded(noise, "PNG"), format="jpeg", quality=quality, progressive=progressive
    )

    assert image.size == (256, 256)


def test_full_colour_resolution_at_high_quality(bench: Bench) -> None:
    from PIL.JpegImagePlugin import get_sampling

    usual, high = bench.process(JPEG, {"format": "jpeg"}, {"format": "jpeg", "quality": 90}).outputs

    assert [get_sampling(opened(made)) for made in (usual, high)] == [2, 0]


def test_grey_stays_grey(bench: Bench) -> None:
    source = encoded(PHOTO.convert("L"), "JPEG")

    outputs = bench.process(source, {"format": "jpeg"}, {"format": "png"}).outputs

    assert [opened(made).mode for made in outputs] == ["L", "L"]


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
def test_the_same_bytes_each_time(bench: Bench, name: str) -> None:
    asked = {"width": 100, "height": 100, "fit": "cover", "gravity": "smart", "format": name}

    once = Path(bench.process(JPEG, asked).outputs[0].path).read_bytes()
    again = Path(bench.process(JPEG, asked).outputs[0].path).read_bytes()

    assert once == again


def test_the_same_bytes_whatever_else_is_made_of_the_same_size(bench: Bench) -> None:
    """Two formats of one size share a rendering; each alone gives the same file."""
    both = bench.process(JPEG, {"width": 100, "format": "png"}, {"width": 100, "format": "webp"})
    together = [Path(made.path).read_bytes() for made in both.outputs]

    alone = [
        Path(bench.process(JPEG, {"width": 100, "format": name}).outputs[0].path).read_bytes()
        for name in ("png", "webp")
    ]

    assert alone == together


WIDE = encoded(Image.new("RGB", (17000, 2), (10, 20, 30)), "PNG")


def test_a_side_that_webp_cannot_hold_fails_with_its_name(bench: Bench) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(WIDE, {"name": "full", "format": "webp"})

    assert failure.value.reason == "TooLarge"
    assert failure.value.message == "output full: 17000 x 2; the longest side of webp is 16,383"
    assert failure.value.source is not None
    assert failure.value.source.width == 17000


@pytest.mark.parametrize(("mode", "expected"), [("RGB", "jpeg"), ("RGBA", "png")])
def test_auto_takes_a_format_that_can_hold_it(bench: Bench, mode: str, expected: str) -> None:
    wide = photo((17000, 6)).convert(mode)
    if mode == "RGBA":
        wide.putalpha(40)

    (made,) = bench.process(encoded(wide, "PNG"), {}).outputs

    assert made.format == expected


def test_a_drawing_that_webp_cannot_hold_is_a_png_with_a_palette(bench: Bench) -> None:
    (made,) = bench.process(WIDE, {}).outputs

    assert made.format == "png"
    assert Path(made.path).read_bytes()[25] == 3  # the colour type


def test_a_tiny_picture(bench: Bench) -> None:
    source = encoded(Image.new("RGB", (1, 1), (200, 100, 50)), "PNG")
    asked = [
        {"format": name, "width": 5, "height": 3, "fit": fit, "gravity": "smart"}
        for name in ("jpeg", "png", "webp", "avif")
        for fit in ("inside", "cover", "contain", "fill")
    ]

    outputs = bench.process(source, *asked).outputs

    assert {(made.width, made.height) for made in outputs} == {(1, 1), (5, 3)}
    assert all(Image.open(io.BytesIO(Path(made.path).read_bytes())).load() for made in outputs)


RESIZED = [
    ((2000, 1500), 250, "draft and one step"),
    ((1000, 750), 333, "an odd ratio"),
    ((1000, 750), 900, "close to the source"),
]


@pytest.mark.parametrize(("size", "width", "_why"), RESIZED, ids=[why for _, _, why in RESIZED])
def test_resizing_is_close_to_lanczos(
    bench: Bench, size: tuple[int, int], width: int, _why: str
) -> None:
    source = photo(size)
    data = encoded(source, "JPEG", quality=95)
    with Image.open(io.BytesIO(data)) as image:
        ideal = image.resize((width, round(width * 0.75)), Image.Resampling.LANCZOS)

    image = bench.picture(data, width=width)

    assert difference(image, ideal) < 2.5


def test_derived_outputs_look_like_direct_ones(bench: Bench) -> None:
    source = encoded(photo((1600, 1200)), "PNG")
    asked = [{"width": width, "format": "png"} for width in (800, 400, 200)]

    derived = bench.process(source, *asked).outputs[2]
    image = opened(derived).copy()
    direct = bench.picture(source, width=200)

    assert 0 < difference(image, direct) < 1.5
