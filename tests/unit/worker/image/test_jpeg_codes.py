"""Where a JPEG's codes first say what no picture says: not before the damage, mostly soon after."""

from __future__ import annotations

import io
import random
import tracemalloc
from typing import Any

import pytest
from imagejob_worker.image import jpeg_codes
from imagejob_worker.image.jpeg_codes import sound_share
from PIL import Image, ImageChops
from support.pictures import encoded, photo
from support.specimens import jpeg

NOISY = Image.blend(photo((203, 301)), photo((203, 301), seed=2), 0.5)
KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {"subsampling": 2},
    "4:2:2": {"subsampling": 1},
    "4:4:4": {"subsampling": 0},
    "own tables": {"optimize": True},
    "coarse": {"quality": 20},
    "fine": {"quality": 100},
}


def plain(picture: Image.Image, **options: Any) -> bytes:
    """Tables and a scan, without the segments that no decoder sees."""
    data = encoded(picture, "JPEG", **options)
    return data[:2] + data[20:]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_sound(kind: str, mode: str) -> None:
    options = KINDS[kind] if mode == "RGB" else {**KINDS[kind], "subsampling": -1}

    assert sound_share(plain(NOISY.convert(mode), **options)) is None


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 15), (640, 3), (3, 640)])
def test_of_any_size(size: tuple[int, int]) -> None:
    assert sound_share(plain(photo(size))) is None


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def undamaged(whole: Image.Image, damaged: Image.Image) -> float:
    """The share of the rows before the first that differs."""
    box = ImageChops.difference(whole, damaged).getbbox()
    return 1.0 if box is None else box[1] / whole.height


def test_it_is_never_found_before_the_damage_and_mostly_soon_after() -> None:
    data, source = plain(NOISY, quality=92), random.Random(1)
    whole, late = decoded(data), []
    for _ in range(60):
        at = source.randrange(data.index(b"\xff\xda") + 14, len(data) - 2)
        damaged = data[:at] + bytes((source.randrange(256),)) + data[at + 1 :]
        found = sound_share(damaged)
        if found is not None:
            late.append(found - undamaged(whole, decoded(damaged)))

    assert min(late) > -24 / whole.height  # a row of blocks, and what smooths colours over it
    assert sorted(late)[len(late) // 2] < 0.05


def test_rows_that_are_missing_are_not_sound() -> None:
    data = plain(NOISY)

    found = sound_share(data[: len(data) // 2] + data[-2:])

    assert found == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xd8\xff\xd9", id="no scan"),
        pytest.param(plain(NOISY, progressive=True), id="progressive"),
        pytest.param(jpeg.with_segments(plain(NOISY))[:300], id="header only"),
        pytest.param(plain(NOISY).replace(b"\xff\xc4", b"\xff\xe4"), id="no codes"),
        pytest.param(
            jpeg.with_segments(
                plain(NOISY),
                jpeg.segment(0xC4, b"\3" + bytes((255,)) + bytes(15) + bytes(255)),
            ),
            id="more codes than there are",
        ),
    ],
)
def test_of_other_kinds_nothing_is_said(data: bytes) -> None:
    assert sound_share(data) is None


def test_of_many_tables_only_those_in_use_are_spelt_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 65,536 numbers, and a file may have a million of them."""
    spelt: list[object] = []
    symbols = jpeg_codes._symbols
    monkeypatch.setattr(
        jpeg_codes, "_symbols", lambda *stored: (spelt.append(stored), symbols(*stored))[1]
    )
    table = jpeg.segment(0xC4, b"\0\1" + bytes(16))

    assert sound_share(jpeg.with_segments(plain(NOISY), *[table] * 100)) is None
    assert len(spelt) <= 2 * 3


def test_of_a_large_file_only_what_is_looked_at_is_copied() -> None:
    data = plain(NOISY)
    large = data[:-2] + bytes(32 << 20) + data[-2:]
    tracemalloc.start()
    try:
        sound_share(large)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < len(large) / 2
