"""Damage is judged by pixels: what lacks none is right, and of what lacks some it is said how much.

The truth is the undamaged source: the share of the rows in which an output differs from its.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from typing import Any

import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from PIL import Image, ImageChops
from support.pictures import Bench, encoded, opened, photo
from support.specimens import jpeg, png, png_samples
from support.specimens.films import saved

PHOTO = photo((160, 180), seed=4)
FRAMES = [photo((48, 32), seed=seed) for seed in range(4)]


def still_gif(*, interlaced: bool) -> bytes:
    return encoded(PHOTO.convert("P"), "GIF", interlace=interlaced)


def interlaced_png() -> bytes:
    """Pillow writes none."""
    layout = png_samples.Layout(interlaced=True)
    return png_samples.write(layout, png_samples.rows_of(layout, PHOTO))


WHOLE = {
    "jpeg": encoded(PHOTO, "JPEG"),
    "jpeg, grey": encoded(PHOTO.convert("L"), "JPEG"),
    "jpeg, 4:4:4": encoded(PHOTO, "JPEG", subsampling=0, optimize=True),
    "jpeg, progressive": encoded(PHOTO, "JPEG", progressive=True),
    "jpeg, restarts": encoded(PHOTO, "JPEG", restart_marker_rows=1),
    "jpeg, CMYK": encoded(PHOTO.convert("CMYK"), "JPEG"),
    "png": encoded(PHOTO, "PNG"),
    "png, palette": encoded(PHOTO.convert("P"), "PNG"),
    "png, interlaced": interlaced_png(),
    "apng": saved(FRAMES, "PNG"),
    "gif": still_gif(interlaced=False),
    "gif, interlaced": still_gif(interlaced=True),
    "gif, animated": saved(FRAMES, "GIF"),
    "webp": encoded(PHOTO, "WEBP"),
    "webp, lossless": encoded(PHOTO, "WEBP", lossless=True),
    "webp, animated": saved(FRAMES, "WEBP"),
    "tiff": encoded(PHOTO, "TIFF"),
    "tiff, LZW": encoded(PHOTO, "TIFF", compression="tiff_lzw"),
    "avif": encoded(PHOTO, "AVIF"),
}


def with_riff_length(data: bytes, length: int) -> bytes:
    return data[:4] + length.to_bytes(4, "little") + data[8:]


def endless() -> Iterator[tuple[str, str, bytes]]:
    """Every way to lose an end but no pixel: the name of the whole, the way, the data."""
    for name, data in WHOLE.items():
        if "jpeg" in name:
            yield name, "no EOI", data[:-2]
            yield name, "half of EOI", data[:-1]
        elif "png" in name:
            yield name, "no IEND", data[:-12]
            yield name, "IEND cut", data[:-5]
            if name != "apng":
                yield name, "no checksum of the last IDAT", data[:-16]
                yield name, "no checksum of the pixels", data[:-19]
        elif "gif" in name:
            yield name, "no trailer", data[:-1]
            yield name, "no end of the last image", data[:-2]
        elif "webp" in name:
            for length in (0, 100, len(data), 2**32 - 10):
                yield name, f"RIFF length {length:,}", with_riff_length(data, length)


@pytest.mark.parametrize(
    ("name", "data"),
    [pytest.param(name, data, id=f"{name}: {how}") for name, how, data in endless()],
)
def test_without_its_end_an_image_is_whole(bench: Bench, name: str, data: bytes) -> None:
    whole = bench.picture(WHOLE[name])

    processed = bench.process(data, {"format": "png"})

    assert processed.notes & ~Note.FRAMES_UNUSED == Note.NO_END
    assert opened(processed.outputs[0]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_image_has_no_note(bench: Bench, name: str) -> None:
    assert bench.process(WHOLE[name], {}).notes & ~Note.FRAMES_UNUSED == Note(0)


def lost(whole: Image.Image, damaged: Image.Image) -> float:
    """The share of the rows with any pixel that differs visibly."""
    bands = ImageChops.difference(whole.convert("RGBA"), damaged.convert("RGBA")).split()
    visible = reduce(ImageChops.lighter, bands).point(lambda value: 255 * (value > 8))
    rows = visible.resize((1, visible.height), Image.Resampling.BOX).tobytes()
    return sum(row > 0 for row in rows) / len(rows)


def refused(bench: Bench, data: bytes, **output: Any) -> str:
    with pytest.raises(ItemFailure) as caught:
        bench.process(data, {"format": "png"} | output)
    assert caught.value.reason == "CorruptImage"
    return caught.value.message


def noted(bench: Bench, data: bytes) -> Image.Image:
    processed = bench.process(data, {"format": "png"}, limits={"damage": "Note"})
    assert processed.notes & ~Note.FRAMES_UNUSED == Note.DAMAGED
    return opened(processed.outputs[0])


BY_ROWS = ["jpeg", "jpeg, grey", "jpeg, 4:4:4", "jpeg, restarts", "jpeg, CMYK", "png",
           "png, palette", "gif", "gif, interlaced"]  # fmt: skip


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("name", BY_ROWS)
class TestCut:
    def test_it_is_said_how_much_is_lost(self, bench: Bench, name: str, share: float) -> None:
        data = WHOLE[name][: int(len(WHOLE[name]) * share)]
        truth = lost(bench.picture(WHOLE[name]), noted(bench, data))

        message = refused(bench, data)

        found = re.search(r"(\d+) % of the rows are missing or damaged$", message)
        assert found, message
        assert float(found[1]) / 100 == pytest.approx(truth, abs=0.02)

    def test_what_is_there_is_shown_if_asked_for(
        self, bench: Bench, name: str, share: float
    ) -> None:
        data = WHOLE[name][: int(len(WHOLE[name]) * share)]

        assert 0 < lost(bench.picture(WHOLE[name]), noted(bench, data)) < 1


def test_the_last_rows_of_an_interlaced_png(bench: Bench) -> None:
    data = WHOLE["png, interlaced"]

    assert refused(bench, data[: len(data) // 2]) == (
        "at least half of the rows are missing or damaged"
    )
    assert refused(bench, data[: int(0.8 * len(data))]).endswith(
        " % of the rows are missing or damaged"
    )


@pytest.mark.parametrize("damage", ["Refuse", "Note"])
@pytest.mark.parametrize("name", ["webp", "webp, lossless", "avif"])
def test_what_is_decoded_whole_or_not_at_all(bench: Bench, name: str, damage: str) -> None:
    data = WHOLE[name][: int(0.7 * len(WHOLE[name]))]

    with pytest.raises(ItemFailure) as caught:
        bench.process(data, {}, limits={"damage": damage})

    kind = name.partition(",")[0]
    assert (
        caught.value.message == f"the {kind} can't be decoded: the last 30 % of the file is missing"
    )


def with_damaged_intervals(data: bytes, count: int) -> bytes:
    """Each of so many restart intervals, the first and every other one, ends in zeros."""
    markers = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", data)]
    damaged = bytearray(data)
    for at in markers[: 2 * count : 2]:
        damaged[at - 12 : at] = bytes(12)
    return bytes(damaged)


class TestRestarts:
    """Damage ends where the next interval begins: here 8 of 2,400 rows each."""

    tall = encoded(photo((40, 2400)).convert("L"), "JPEG", restart_marker_rows=1)

    def test_one_row_in_a_hundred_is_a_stripe_that_one_has_to_look_for(self, bench: Bench) -> None:
        assert bench.process(with_damaged_intervals(self.tall, 2), {}).notes == Note.DAMAGED

    def test_more_is_too_much(self, bench: Bench) -> None:
        message = refused(bench, with_damaged_intervals(self.tall, 30))

        assert message == "10 % of the rows are missing or damaged"


SCAN = r"scan \d+ of 10 is damaged; how many rows it affects is unknown"
ROWS = r"at least the last \d+ % of the rows are damaged|rows are damaged; how many is unknown"


def first_that_libjpeg_notices(bench: Bench, data: bytes, seed: int) -> bytes:
    """One byte of the picture's second half is wrong; most such go unnoticed."""
    source = random.Random(seed)
    while True:
        at = source.randrange(len(data) // 2, len(data) - 2)
        damaged = data[:at] + bytes((source.randrange(256),)) + data[at + 1 :]
        with suppress(ItemFailure):  # what ends decoding
            if bench.process(damaged, {}, limits={"damage": "Note"}).notes:
                return damaged


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["jpeg", "jpeg, grey", "jpeg, 4:4:4", "jpeg, progressive"])
def test_what_libjpeg_only_warns_of_is_refused(bench: Bench, name: str, seed: int) -> None:
    data = first_that_libjpeg_notices(bench, WHOLE[name], seed)

    assert re.fullmatch(SCAN if "progressive" in name else ROWS, refused(bench, data))
    assert lost(bench.picture(WHOLE[name]), noted(bench, data)) < 1


def with_padding(data: bytes, padding: bytes) -> bytes:
    return data[:-2] + padding + data[-2:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_padding(WHOLE["jpeg"], bytes(1)), id="a zero before the end"),
        pytest.param(with_padding(WHOLE["jpeg"], bytes(500)), id="zeros before the end"),
        pytest.param(with_padding(WHOLE["jpeg"], b"\xaa" * 9), id="filling before the end"),
        pytest.param(WHOLE["jpeg"].replace(b"JFIF\0\1", b"JFIF\0\7"), id="JFIF version 7"),
        pytest.param(
            jpeg.with_segments(WHOLE["jpeg"], jpeg.segment(jpeg.APP2, b"ICC_PROFILE\0\7\3")),
            id="an ICC segment of none",
        ),
    ],
)  # fmt: skip
def test_what_libjpeg_warns_of_without_a_pixel_lost_is_right(bench: Bench, data: bytes) -> None:
    whole = bench.picture(WHOLE["jpeg"])

    processed = bench.process(data, {"format": "png"})

    assert processed.notes & ~Note.ICC_DROPPED == Note(0)
    assert opened(processed.outputs[0]).tobytes() == whole.tobytes()


def test_scans_that_are_missing_as_a_whole_are_missed(bench: Bench) -> None:
    """libjpeg has nothing to say of a progressive file that ends between two scans."""
    data = WHOLE["jpeg, progressive"]
    scans = [part.start for part in jpeg.segments(data) if part.marker == jpeg.SOS]

    message = refused(bench, data[: scans[3]])

    assert message == "the last scans are missing: all rows lack detail"


class TestChecksumsOfPng:
    """Pillow checks neither those of chunks of pixels nor that of the pixels themselves."""

    stored = png.encode(PHOTO, compress_level=0)

    def test_only_the_checksum_is_wrong(self, bench: Bench) -> None:
        at = WHOLE["png"].index(b"IEND") - 8
        data = bytearray(WHOLE["png"])
        data[at] ^= 1

        processed = bench.process(bytes(data), {"format": "png"})

        assert processed.notes == Note(0)
        assert opened(processed.outputs[0]).tobytes() == bench.picture(WHOLE["png"]).tobytes()

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
    def test_pixels_are_wrong_and_everything_else_is_right(
        self, bench: Bench, share: float
    ) -> None:
        data = bytearray(self.stored)
        at = int(share * len(data))
        data[at : at + 30] = bytes(30)

        assert " of the rows are missing or damaged" in refused(bench, bytes(data))
        assert 0 < lost(bench.picture(self.stored), noted(bench, bytes(data))) <= 1 - share + 0.01


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("compression", ["packbits", "tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_of_which_strips_are_missing(bench: Bench, compression: str, share: float) -> None:
    """Ten strips; where the missing ones should be, the file has ended."""
    data = bytearray(
        encoded(photo((30, 600)), "TIFF", compression=compression, strip_size=30 * 3 * 60)
    )
    entry = re.search(rb"\x11\x01\x04\x00\x0a\0\0\0(....)", data, re.DOTALL)
    assert entry
    offsets = int.from_bytes(entry[1], "little")
    for strip in range(round(10 * share), 10):
        data[offsets + 4 * strip : offsets + 4 * strip + 4] = (2**31).to_bytes(4, "little")

    message = refused(bench, bytes(data))

    assert message == f"the last {100 - 100 * share:.0f} % of the rows are missing or damaged"
