"""What a worker says of how much memory it needs is true: with exactly so much, it succeeds.

Real worker processes. First each source has too little in one order, and says how much it takes;
then each has that in an order of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pyvips
from PIL import Image
from support import worker_process
from support.phone_photos import Photo, jpeg
from support.pictures import encoded
from support.specimens import png
from support.worker_process import Ended, Workplace

SIZE = (1600, 1200)
TOO_LITTLE = 10 << 20
NOISE = Image.effect_noise(SIZE, 90)
RGB = Image.merge("RGB", (NOISE, NOISE.rotate(180), NOISE.transpose(Image.Transpose.ROTATE_180)))
RGBA = Image.merge("RGBA", (*RGB.split(), NOISE))
FILM = [RGB.resize((320, 240)), RGB.resize((320, 240)).rotate(180)] * 4


def film(name: str) -> bytes:
    return encoded(FILM[0], name, save_all=True, append_images=FILM[1:], duration=40)


FULL: dict[str, Any] = {"name": "out"}
SMALL = {"name": "out", "width": 320, "format": "webp"}
MOVING = {"name": "out", "animated": True}
CASES: dict[str, tuple[bytes, list[dict[str, Any]]]] = {
    "jpeg": (encoded(RGB, "JPEG"), [FULL | {"format": "jpeg", "quality": 100}]),
    "progressive, decoded at 1/4": (
        jpeg(Photo("", 4000, 3000, progressive=True, subsampling="4:4:4")),
        [FULL | {"width": 640, "format": "png"}],
    ),
    "jpeg to webp": (encoded(RGB, "JPEG"), [FULL | {"format": "webp"}]),
    "jpeg to webp of high quality": (
        encoded(RGB, "JPEG"),
        [FULL | {"format": "webp", "quality": 100}],
    ),
    "cmyk jpeg": (encoded(RGB.convert("CMYK"), "JPEG"), [FULL | {"format": "webp"}]),
    "png with alpha": (encoded(RGBA, "PNG"), [FULL | {"format": "jpeg", "background": "#fff"}]),
    "png of 16 bits with a clear grey": (
        png.with_chunks(encoded(NOISE.convert("I;16"), "PNG"), png.chunk(b"tRNS", b"\x01\x01")),
        [SMALL],
    ),
    "webp with alpha": (encoded(RGBA, "WEBP"), [SMALL]),
    "lossless webp": (encoded(RGBA, "WEBP", lossless=True), [FULL | {"lossless": True}]),
    "avif": (encoded(RGBA, "AVIF", speed=10), [SMALL]),
    "gif": (encoded(RGB.quantize(64), "GIF"), [FULL]),
    "tiff": (encoded(RGBA, "TIFF", compression="tiff_lzw"), [SMALL]),
    "a tile larger than its tiff": (
        pyvips.Image.black(64, 48, bands=4)
        .copy(interpretation="srgb")
        .tiffsave_buffer(tile=True, tile_width=2048, tile_height=2048, compression="deflate"),
        [FULL | {"format": "png"}],
    ),
    "to avif": (
        encoded(RGBA.resize((800, 600)), "PNG"),
        [FULL | {"format": "avif", "quality": 95}],
    ),
    "turned and cut, three times": (
        encoded(
            RGB, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
        ),
        [
            {"name": "a", "width": 1100, "format": "png"},
            {"name": "b", "width": 1000, "height": 1000, "fit": "cover", "format": "jpeg"},
            {"name": "c", "width": 1500, "height": 1500, "fit": "contain", "format": "webp"},
        ],
    ),
    "animated webp": (film("WEBP"), [MOVING | {"format": "webp", "lossless": True}]),
    "animated gif as png": (film("GIF"), [MOVING | {"format": "png"}]),
    "animated avif": (film("WEBP"), [MOVING | {"format": "avif", "width": 160}]),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended | None]:
    """How each ended that had too little."""
    place = Workplace(tmp_path_factory.mktemp("little") / "pod")
    items = []
    for number, (data, outputs) in enumerate(CASES.values()):
        place.put("box", str(number), data)
        items.append(worker_process.item(str(number), outputs))
    run = place.run(worker_process.order(items, childMemoryBytes=TOO_LITTLE))
    return dict(zip(CASES, run.ended, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_with_what_it_asks_for_it_succeeds(
    said: dict[str, Ended | None], tmp_path: Path, name: str
) -> None:
    before, (data, outputs) = said[name], CASES[name]
    assert before
    assert before.reason == "NeedsMemory"
    place, memory = Workplace(tmp_path / "pod"), int(before.message)
    place.put("box", "image", data)
    items = [worker_process.item("image", outputs)]

    run = place.run(worker_process.order(items, childMemoryBytes=memory))

    assert [end and end.reason for end in run.ended] == ["Succeeded"], run.ended
