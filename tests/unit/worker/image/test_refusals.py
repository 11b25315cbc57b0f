"""What is rejected before decoding, what is damaged, and what else can go wrong."""

from __future__ import annotations

import errno
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from imagejob_worker.contract.facts import SourceFacts
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image import pipeline
from imagejob_worker.image.steps import canvas, reader
from PIL import Image
from support.pictures import ALL_FORMATS, Bench, encoded, item, photo
from support.specimens import gif, png, webp

PHOTO = photo((96, 64))


def failure(bench: Bench, source: bytes, *outputs: dict[str, Any], **fields: Any) -> ItemFailure:
    with pytest.raises(ItemFailure) as caught:
        bench.process(source, *(outputs or ({},)), **fields)
    return caught.value


def png_header(width: int, height: int) -> bytes:
    pixels = png.chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return png.assemble(png.header(width, height), pixels, png.chunk(b"IEND", b""))


def jpeg_header(width: int, height: int) -> bytes:
    data = bytearray(encoded(PHOTO, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_header(width: int, height: int) -> bytes:
    data = bytearray(webp.extended(PHOTO, 0))
    data[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def avif_header(width: int, height: int) -> bytes:
    data = bytearray(encoded(PHOTO, "AVIF"))
    at = data.index(b"ispe")
    data[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(data)


def tiff_header(width: int, height: int) -> bytes:
    data = bytearray(encoded(PHOTO, "TIFF"))
    for tag, side in ((256, width), (257, height)):
        at = data.index(struct.pack("<HHI", tag, 4, 1))
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, side)
    return bytes(data)


HEADERS = {
    "png": png_header, "jpeg": jpeg_header, "webp": webp_header, "avif": avif_header,
    "tiff": tiff_header, "gif": lambda w, h: gif.screen(w, h) + gif.frame(w, h, b"\x44\x01") + b";",
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
class TestHeaderBombs:
    def test_pixels(self, bench: Bench, name: str) -> None:
        caught = failure(bench, HEADERS[name](60_000, 50_000), {}, limits={"maxPixels": 50_000_000})

        assert caught.reason == "TooLarge"
        assert caught.message == ("60000 x 50000 is 3,000,000,000 pixels; the limit is 50,000,000")
        assert caught.source == SourceFacts(name, 60_000, 50_000, 1)  # type: ignore[arg-type]

    def test_no_time_is_lost_on_them(self, bench: Bench, name: str) -> None:
        source = HEADERS[name](60_000, 50_000)
        started = time.process_time()

        failure(bench, source, {}, limits={"maxPixels": 50_000_000})

        assert time.process_time() - started < 0.2

    def test_nothing_is_refused_at_the_limit(self, bench: Bench, name: str) -> None:
        source = encoded(PHOTO, name.upper())

        processed = bench.process(source, {}, limits={"maxPixels": 96 * 64})

        assert processed.source == SourceFacts(name, 96, 64, 1)  # type: ignore[arg-type]

    def test_one_pixel_less_is(self, bench: Bench, name: str) -> None:
        caught = failure(bench, encoded(PHOTO, name.upper()), limits={"maxPixels": 96 * 64 - 1})

        assert caught.reason == "TooLarge"


@pytest.mark.parametrize(
    ("size", "reason", "message"),
    [
        ((65_536, 1), "TooLarge", "65536 x 1: the limit of a side is 65,535"),
        ((1, 2**31 - 1), "TooLarge", "1 x 2147483647: the limit of a side is 65,535"),
        ((0, 5), "CorruptImage", "the header says 0 x 5 pixels"),
    ],
)
def test_sides(bench: Bench, size: tuple[int, int], reason: str, message: str) -> None:
    caught = failure(bench, png_header(*size))

    assert (caught.reason, caught.message) == (reason, message)


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "gif"])
def test_a_picture_smaller_than_its_header_says_is_damaged(bench: Bench, name: str) -> None:
    """libavif enlarges what an AVIF has."""
    assert failure(bench, HEADERS[name](500, 400)).reason == "CorruptImage"


WHOLE = {
    "jpeg": encoded(PHOTO, "JPEG"),
    "progressive": encoded(PHOTO, "JPEG", progressive=True),
    "png": encoded(PHOTO, "PNG"),
    "webp": encoded(PHOTO, "WEBP"),
    "gif": encoded(PHOTO, "GIF"),
    "tiff": encoded(PHOTO, "TIFF", compression="tiff_lzw"),
    "avif": encoded(PHOTO, "AVIF"),
}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", WHOLE)
def test_cut_short(bench: Bench, name: str, share: float) -> None:
    data = WHOLE[name]

    caught = failure(bench, data[: int(len(data) * share)])

    assert caught.reason == "CorruptImage"
    assert caught.source is not None


@pytest.mark.parametrize("name", WHOLE)
def test_damage_anywhere_is_damage_or_a_picture(bench: Bench, name: str) -> None:
    """Any byte changed: never Internal, and no other exception than ItemFailure."""
    data = WHOLE[name]
    reasons = set()
    for at in range(13, len(data), max(1, len(data) // 60)):
        damaged = data[:at] + bytes((data[at] ^ 0xA5,)) + data[at + 1 :]
        try:
            bench.process(damaged, {"width": 20})
        except ItemFailure as caught:
            reasons.add(caught.reason)

    assert reasons <= {"CorruptImage", "TooLarge", "UnsupportedFormat"}


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (ZeroDivisionError("so it goes"), "Internal", "ZeroDivisionError: so it goes"),
        (ValueError("a\nb\u00e9" + "x" * 200), "Internal", "ValueError: a b?" + "x" * 101 + "..."),
        (OSError(errno.ENOSPC, "No space left on device"), "Internal",
         "OSError: [Errno 28] No space left on device"),
        (MemoryError(), "OutOfMemory", "processing needs more memory than one item may have"),
    ],
)  # fmt: skip
def test_what_fails_after_decoding_is_not_the_pictures_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str, message: str
) -> None:
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr(canvas, "draw", lambda *_args, **_more: fail())

    caught = failure(bench, WHOLE["jpeg"])

    assert (caught.reason, caught.message) == (reason, message)
    assert caught.source == SourceFacts("jpeg", 96, 64, 1)
    assert len(caught.message) <= 120


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("broken data stream"), "CorruptImage"),
        (OSError("out of memory error when reading image file"), "OutOfMemory"),
        (SyntaxError("broken PNG file"), "CorruptImage"),
        (IndexError("index out of range"), "CorruptImage"),
        (MemoryError(), "OutOfMemory"),
        (Image.DecompressionBombError("too many"), "TooLarge"),
        (Image.DecompressionBombWarning("too many"), "TooLarge"),
    ],
)
def test_what_decoders_raise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail(_file: object) -> None:
        raise error

    monkeypatch.setattr(reader, "normalize", fail)

    assert failure(bench, WHOLE["png"]).reason == reason


def test_a_missing_source_is_the_workers_fault(tmp_path: Path) -> None:
    with pytest.raises(ItemFailure) as caught:
        pipeline.process(tmp_path / "absent", item({}), ALL_FORMATS, tmp_path)

    assert caught.value.reason == "Internal"


def test_a_gif_frame_that_outgrows_its_screen_is_within_the_limits(bench: Bench) -> None:
    """The decoder would enlarge the screen after the limits were checked."""
    small = gif.frame(4, 4, b"\x44\x01")
    large = gif.frame(60_000, 60_000, b"\x44\x01")
    source = gif.screen(4, 4) + small + large + b";"

    caught = failure(bench, source, {"animated": True}, limits={"maxPixels": 1_000_000})

    assert caught.reason in {"TooLarge", "CorruptImage"}


def test_camera_raw_in_a_tiff_is_named(bench: Bench) -> None:
    source = encoded(PHOTO, "TIFF", tiffinfo={50706: b"\x01\x04\0\0"})

    caught = failure(bench, source)

    assert (caught.reason, caught.message) == (
        "UnsupportedFormat",
        "the source is camera RAW (DNG), which is not supported",
    )


def test_parts_without_end_take_bounded_time(bench: Bench) -> None:
    many = 1_000_100
    sources = [
        gif.screen(4, 4) + b"!\xfe\0" * many,
        gif.screen(4, 4) + b"!\xfe" + b"\x01x" * many,
        b"\xff\xd8" + b"\xff\xfe\0\x02" * many + WHOLE["jpeg"][2:],
        b"\xff\xd8" + b"\xff" * many + WHOLE["jpeg"][2:-2] + b"\xff\xfe\0\x02" * many,
        WHOLE["png"][:33] + png.chunk(b"prVt", b"") * many,
        encoded(PHOTO, "WEBP") + b"prVt\0\0\0\0" * many,
        WHOLE["avif"] + b"\0\0\0\x08free" * many,
    ]
    sources[5] = sources[5][:4] + struct.pack("<I", len(sources[5]) - 8) + sources[5][8:]
    started = time.process_time()

    reasons = [failure(bench, source).reason for source in sources]

    assert reasons == ["TooLarge"] * len(sources)
    assert time.process_time() - started < 6
