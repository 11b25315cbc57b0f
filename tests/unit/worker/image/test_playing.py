"""How long frames show, how often they are played, and how large they may be."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.parsers import avif
from PIL import Image
from support.pictures import Bench, encoded, opened
from support.specimens import gif

SIZE = (32, 32)
MADE = ("webp", "png", "avif")


def animation(name: str, durations: list[int], **options: Any) -> bytes:
    first, *others = (
        Image.new("RGB", SIZE, (90 * number, 200, 30)) for number, _ in enumerate(durations)
    )
    if name == "WEBP":
        options |= {"lossless": True}
    return encoded(first, name, save_all=True, append_images=others, duration=durations, **options)


def durations(image: Image.Image) -> list[int]:
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        found.append(round(image.info["duration"]))
    return found


@pytest.mark.parametrize("source", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("name", MADE)
def test_nothing_shows_for_ten_milliseconds_or_less(bench: Bench, source: str, name: str) -> None:
    shown = [0, 10, 20] if source in ("GIF", "PNG") else [4, 10, 11]
    (made,) = bench.process(animation(source, shown), {"format": name, "animated": True}).outputs

    assert durations(opened(made)) == [100, 100, shown[2]]


@pytest.mark.parametrize(
    ("source", "shown", "name", "found"),
    [
        ("WEBP", [65_535, 65_537], "png", [65_535, 65_540]),
        ("WEBP", [655_356, 70_001], "png", [655_400, 70_000]),
        ("WEBP", [16_777_000, 6_553_449], "png", [16_777_000, 6_553_400]),
        ("WEBP", [655_356, 16_777_000], "webp", [655_356, 16_777_000]),
        ("PNG", [65_535_000, 20], "webp", [16_777_215, 20]),
        ("PNG", [65_535_000, 20], "avif", [16_777_215, 20]),
        ("AVIF", [2**31 + 1, 70_001], "png", [16_777_000, 70_000]),
        ("AVIF", [2**31 + 1, 70_001], "avif", [16_777_215, 70_001]),
    ],
)
def test_long_times(
    bench: Bench, source: str, shown: list[int], name: str, found: list[int]
) -> None:
    (made,) = bench.process(animation(source, shown), {"format": name, "animated": True}).outputs

    assert durations(opened(made)) == found


@pytest.mark.parametrize("name", MADE)
def test_a_month_of_frames(bench: Bench, name: str) -> None:
    source = animation("PNG", [65_535_000] * 140)

    (made,) = bench.process(source, {"format": name, "animated": True}).outputs

    assert sum(durations(opened(made))) > 2**31 - 1000


def played(data: bytes) -> int:
    return avif.probe(data).plays


@pytest.mark.parametrize("plays", [0, 1, 2, 5, 70_000])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_avif_is_played_as_often(bench: Bench, plays: int, mode: str) -> None:
    """With transparency it has two tracks, which have to agree."""
    colours = [(200, 0, 0, 255), (0, 0, 200, 255 if mode == "RGB" else 90)]
    first, second = (Image.new("RGBA", SIZE, colour) for colour in colours)
    source = encoded(
        first, "PNG", save_all=True, append_images=[second], duration=[40, 80], loop=plays
    )

    (made,) = bench.process(source, {"format": "avif", "animated": True}).outputs
    data = Path(made.path).read_bytes()

    assert played(data) == plays
    # Every header states the plays times 120 ms; the edit list repeats unless it is played once.
    tracks = 2 if mode == "RGBA" else 1
    whole = struct.pack(">Q", 120 * plays) if plays else b"\xff" * 8
    found = [data[at + 28 :][:8] for at in places(data, b"tkhd")]
    found += [data[at + 24 :][:8] for at in places(data, b"mvhd")]
    assert found == [whole] * (tracks + 1)
    assert [data[at + 3] for at in places(data, b"elst")] == [int(plays != 1)] * tracks


def places(data: bytes, name: bytes) -> list[int]:
    """Where the contents of each box of this name begin."""
    return [at + 4 for at in range(len(data)) if data.startswith(name, at)]


@pytest.mark.parametrize("plays", [0, 1, 3])
@pytest.mark.parametrize("name", MADE)
def test_an_avif_says_how_often(bench: Bench, plays: int, name: str) -> None:
    source = animation("PNG", [50, 60], loop=plays)
    (made,) = bench.process(source, {"format": "avif", "animated": True}).outputs
    through = Path(made.path).read_bytes()

    (made,) = bench.process(through, {"format": name, "animated": True}).outputs

    data = Path(made.path).read_bytes()
    assert (played(data) if name == "avif" else opened(made).info["loop"]) == plays


def test_an_avif_without_an_edit_list_is_played_endlessly(bench: Bench) -> None:
    (made,) = bench.process(
        animation("PNG", [50, 60], loop=3), {"format": "avif", "animated": True}
    ).outputs
    data = Path(made.path).read_bytes().replace(b"edts", b"free")

    (made,) = bench.process(data, {"format": "webp", "animated": True}).outputs

    assert opened(made).info["loop"] == 0


def test_more_plays_than_a_webp_can_say(bench: Bench) -> None:
    source = animation("GIF", [50, 60], loop=65_535)  # and once more

    assert bench.picture(source, format="webp", animated=True).info["loop"] == 65_535
    assert bench.picture(source, format="png", animated=True).info["loop"] == 65_536


def huge(first: tuple[int, int], later: tuple[int, int]) -> bytes:
    """A screen of 10 x 10, and frames of these sizes whose data ends at once."""
    frames = [gif.frame(*size, bytes.fromhex("2c")) for size in (first, later)]
    return gif.screen(10, 10) + gif.control() + frames[0] + gif.control() + frames[1] + b";"


@pytest.mark.parametrize(
    ("later", "found"),
    [
        ((1000, 1001), "10 x 10 x 2 frames and 1,000,900 outside is 1,001,100"),
        ((65_535, 65_535), "10 x 10 x 2 frames and 4,294,836,125 outside is 4,294,836,325"),
    ],
)
def test_pixels_beyond_the_canvas_count(bench: Bench, later: tuple[int, int], found: str) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(huge((10, 10), later), {"animated": True}, limits={"maxPixels": 1_000_000})

    message = f"{found} pixels; the limit is 1,000,000"
    assert (failure.value.reason, failure.value.message) == ("TooLarge", message)
