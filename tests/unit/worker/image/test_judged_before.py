"""Work is judged before it is done: outputs' sizes, decoded pixels, and memory, by the header."""

from __future__ import annotations

from typing import Any

import pytest
from imagejob_worker.contract.facts import SourceFacts
from imagejob_worker.contract.failures import ItemFailure, NeedsMemory
from imagejob_worker.contract.order import Output
from imagejob_worker.image import memory, plan
from imagejob_worker.image.files import Files
from imagejob_worker.image.parsers.jpeg import coefficients
from imagejob_worker.image.parsers.probe import Probe
from imagejob_worker.image.steps import reader
from PIL import Image
from support.phone_photos import PHOTOS, Photo, jpeg
from support.pictures import Bench, encoded, photo

MIB = 1 << 20
FEW = {"limits": {"maxPixels": 2_000_000}}
THIN, WIDE = Image.new("RGB", (2, 3000)), Image.new("RGB", (3000, 2))
STILLS = [Image.new("L", (400, 300), 20 * level) for level in range(10)]
FILM = encoded(STILLS[0], "GIF", save_all=True, append_images=STILLS[1:])


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No decoder may be opened."""

    def fail(*_args: object) -> None:
        raise AssertionError("a decoder was opened")

    monkeypatch.setattr(reader, "import_module", fail)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        (
            THIN,
            {"width": 5000, "enlarge": True},
            "5000 x 7500000; the longest side of any format is 65,535",
        ),
        (
            WIDE,
            {"height": 50, "enlarge": True, "format": "png"},
            "75000 x 50; the longest side of png is 65,535",
        ),
        (
            WIDE,
            {"height": 44, "enlarge": True, "format": "jpeg"},
            "66000 x 44; the longest side of jpeg is 65,500",
        ),
        (
            WIDE,
            {"height": 11, "enlarge": True, "format": "webp"},
            "16500 x 11; the longest side of webp is 16,383",
        ),
        (
            WIDE,
            {"height": 44, "enlarge": True, "format": "avif"},
            "66000 x 44; the longest side of avif is 65,535",
        ),
        (
            THIN,
            {"width": 16383, "height": 16383, "fit": "contain"},
            "16383 x 16383 is 268,402,689 pixels; the limit is 50,000,000",
        ),
        (
            Image.new("RGB", (10, 10)),
            {"width": 9000, "height": 9000, "enlarge": True, "format": "png"},
            "9000 x 9000 is 81,000,000 pixels; the limit is 50,000,000",
        ),
    ],
)
def test_an_output_that_can_t_be_is_too_large_at_once(
    bench: Bench, source: Image.Image, output: dict[str, Any], message: str
) -> None:
    with pytest.raises(ItemFailure) as caught:
        bench.process(
            encoded(source, "PNG"), {"name": "small", "width": 9}, output | {"name": "o"}, **FEW
        )

    assert (caught.value.reason, caught.value.message) == ("TooLarge", f"output o: {message}")


@pytest.mark.usefixtures("undecoded")
def test_all_frames_of_an_output_count(bench: Bench) -> None:
    large = {"name": "o", "width": 4000, "height": 3000, "enlarge": True, "animated": True}

    with pytest.raises(ItemFailure) as caught:
        bench.process(FILM, large, **FEW)

    assert caught.value.reason == "TooLarge"
    assert "4000 x 3000 x 10 frames is 120,000,000 pixels" in caught.value.message


def test_a_platform_of_more_pixels_has_larger_outputs(bench: Bench) -> None:
    wide = {"width": 16000, "height": 3200, "fit": "contain", "format": "png"}

    made = bench.process(encoded(THIN, "PNG"), wide, limits={"maxPixels": 60_000_000}).outputs[0]

    assert (made.width, made.height) == (16000, 3200)


@pytest.mark.parametrize(
    ("output", "most"),
    [({"width": 33}, 1900), ({"width": 60}, 7500), ({"width": 130}, 30_000), ({}, 120_000)],
)
def test_max_pixels_counts_what_is_decoded_of_a_jpeg(
    bench: Bench, output: dict[str, Any], most: int
) -> None:
    source = encoded(photo((400, 300)), "JPEG")
    rest = {"format": "jpeg"} | output

    bench.process(source, rest, limits={"maxPixels": most})
    with pytest.raises(ItemFailure) as caught:
        bench.process(source, rest, limits={"maxPixels": most - 1})

    assert caught.value.reason == "TooLarge"
    assert f" is {most:,} pixels; the limit is {most - 1:,}" in caught.value.message


@pytest.mark.parametrize("name", ["PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_other_formats_are_decoded_whole(bench: Bench, name: str) -> None:
    source = encoded(Image.new("RGB", (400, 300)), name)

    with pytest.raises(ItemFailure) as caught:
        bench.process(source, {"width": 50}, limits={"maxPixels": 119_999})

    assert caught.value.message == "400 x 300 is 120,000 pixels; the limit is 119,999"


def allow(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    """So much memory is free, each time that somebody looks; the last figure remains."""
    left = list(free)
    monkeypatch.setattr(
        Files, "free_address_space", lambda _: left.pop(0) if len(left) > 1 else left[0]
    )


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("one", PHOTOS, ids=lambda one: one.name)
def test_photos_of_phones_say_how_much_they_take(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, one: Photo
) -> None:
    allow(monkeypatch, 8 * MIB)
    small = Photo(one.name, one.width // 16, one.height // 16, one.progressive, one.subsampling)

    with pytest.raises(NeedsMemory) as caught:
        bench.process(jpeg(small), {"width": 8, "format": "jpeg"})

    samples = 3 if one.subsampling == "4:4:4" else 1.5
    kept = 2 * samples * small.pixels if one.progressive else 0
    decoded = -(-small.width // 8) * -(-small.height // 8)
    size = len(jpeg(small))
    assert caught.value.source == SourceFacts("jpeg", small.width, small.height, 1)
    least = memory.BUFFERS + memory.LOADED + size + 4 * decoded + kept
    assert least <= caught.value.memory <= 1.1 * least + 8 * decoded


def test_a_webp_with_transparency_takes_two_canvases(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = encoded(photo((640, 480)).convert("RGBA"), "WEBP")
    allow(monkeypatch, 12 * MIB)

    with pytest.raises(NeedsMemory) as caught:
        bench.process(source, {"width": 64})

    allow(monkeypatch, caught.value.memory - memory.LOADED)
    assert bench.process(source, {"width": 64}).outputs


def test_auto_that_comes_to_a_format_that_takes_more_is_judged_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transparent canvases of a JPEG become WebP, not JPEG as assumed."""
    source, output = encoded(photo((900, 900)), "JPEG"), {"width": 900, "height": 950}
    padded = output | {"fit": "contain", "background": "#00000000"}
    free = 36 * MIB
    allow(monkeypatch, free)

    with pytest.raises(NeedsMemory) as caught:
        bench.process(source, padded)

    assert caught.value.memory - memory.LOADED > free
    assert bench.process(source, padded | {"format": "jpeg"}).outputs


def plans(size: tuple[int, int], *outputs: dict[str, Any]) -> tuple[plan.OutputPlan, ...]:
    return plan.lay_out(size, [Output(name=str(i), **each) for i, each in enumerate(outputs)])


def needed(format_: Any, size: tuple[int, int], *outputs: dict[str, Any], **found: Any) -> int:
    source = memory.Source(format_, Probe(*size, **found), 1, 1000)
    return memory.needed(source, plans(size, *outputs))


def test_outputs_are_made_one_after_the_other() -> None:
    size, large, small = (4000, 3000), {"format": "webp"}, {"width": 400, "format": "png"}

    alone = needed("jpeg", size, large)

    assert needed("jpeg", size, large, small, small | {"width": 300}) == alone


def test_reduced_images_are_kept_only_while_others_start_from_them() -> None:
    size = (4000, 3000)
    crops = [
        {"width": 3000 - 20 * index, "height": 2990, "fit": "cover", "format": "png"}
        for index in range(16)
    ]

    assert needed("png", size, *crops) < needed("png", size, *crops[:2]) + MIB


def test_coefficients_come_in_whole_mcus() -> None:
    assert coefficients((17, 1), [(2, 2), (1, 1), (1, 1)]) == 128 * 2 * 6
    assert coefficients((16, 16), [(1, 1)]) == 128 * 4
    assert coefficients((0, 0), []) == 0


def test_what_auto_tries_to_stay_within_its_source_is_judged_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a JPEG of low quality, a WebP may be the only file that is no larger."""
    noise = Image.effect_noise((900, 900), 120).convert("CMYK")
    source = encoded(noise, "JPEG", quality=5)
    allow(monkeypatch, 28 * MIB)

    with pytest.raises(NeedsMemory) as caught:
        bench.process(source, {})

    assert bench.process(source, {"format": "jpeg"}).outputs
    allow(monkeypatch, caught.value.memory)
    assert bench.process(source, {}).outputs[0].format == "webp"
