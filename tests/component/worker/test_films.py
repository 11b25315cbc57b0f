"""Animations stay animations, and lose their metadata like any image."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from support import worker_process
from support.specimens import films, icc, marks, reading
from support.worker_process import Ended, Workplace

MADE = ("webp", "png", "avif")
COLOURS = [(200, 40, 40), (40, 160, 40), (40, 60, 200)]
PAIRS = [(source, output) for source in films.STUFFED for output in MADE]


def frames() -> list[Image.Image]:
    """Three colours, each with a band that moves, so that all frames differ."""
    result = []
    for number, colour in enumerate(COLOURS):
        image = Image.new("RGB", (64, 48), colour)
        image.paste((250, 250, 250), (0, 16 * number, 64, 16 * number + 4))
        result.append(image)
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Ended], dict[Any, bytes]]:
    place, items = Workplace(tmp_path_factory.mktemp("films")), []
    for source, stuffed in films.STUFFED.items():
        place.put("box", source, stuffed(frames(), icc.display_p3()))
        outputs = [{"name": made, "format": made, "animated": True, "quality": 90} for made in MADE]
        items.append(worker_process.item(source, outputs))
    result = place.run(worker_process.order(items))
    ended = {item["uid"]: end for item, end in zip(items, result.ended, strict=True) if end}
    assert {end.reason for end in ended.values()} == {"Succeeded"}, ended
    files = {
        (item["uid"], name): place.output(item, number)
        for item in items
        for number, name in enumerate(MADE)
    }
    return ended, files


@pytest.mark.parametrize(("source", "output"), PAIRS)
def test_a_film_keeps_its_frames_and_nothing_else(made: Any, source: str, output: str) -> None:
    data = made[1][source, output]
    contents = reading.read(output, data)

    assert contents.extras == ()
    assert contents.icc == b""
    assert marks.leaks(data + contents.unpacked) == []
    assert reading.by_exiv2(data) == {}
    with Image.open(io.BytesIO(data)) as film:
        assert film.n_frames == len(COLOURS)
        for number in range(film.n_frames):
            film.seek(number)
            pixel = film.convert("RGB").getpixel((32, 40 if number < 2 else 8))
            brightest = max(range(3), key=pixel.__getitem__)
            assert brightest == number


@pytest.mark.parametrize("source", films.STUFFED)
def test_what_was_removed_of_a_film_is_reported(made: Any, source: str) -> None:
    kinds = {
        "gif": {"xmp", "icc", "comment", "trailing", "other"},
        "png": {"exif", "gps", "xmp", "icc", "text", "thumbnail", "trailing", "other"},
        "webp": {"exif", "gps", "xmp", "icc", "thumbnail", "trailing", "other"},
        "avif": {"exif", "gps", "xmp", "icc", "thumbnail", "other"},
    }

    assert made[0][source].removed == kinds[source]
