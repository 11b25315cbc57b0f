"""Colours converted to sRGB, or kept with their profile; and unusable profiles."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
from imagejob_worker.contract.facts import Kind, Note
from imagejob_worker.contract.failures import ItemFailure
from PIL import Image
from support.pictures import Bench, Rgb, distance, encoded, opened, pixel
from support.specimens import colour, icc, png

KEEP: dict[str, Any] = {"metadata": {"keep": ["icc"]}}
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 98, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "TIFF": {},
}


def plain(rgb: Any, mode: str = "RGB", size: tuple[int, int] = (32, 32)) -> Image.Image:
    return Image.new(mode, size, rgb)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_profile_that_is_applied_is_removed_at_any_size(bench: Bench, name: str) -> None:
    rgb = (180, 60, 40)
    source = encoded(plain(rgb), name, icc_profile=icc.display_p3(), **OPTIONS[name])

    processed = bench.process(source, {"format": "png"}, {"format": "png", "width": 8})

    expected = colour.from_p3(icc.DISPLAY_P3, rgb)
    for made in processed.outputs:
        image = opened(made)
        assert distance(pixel(image, (4, 4)), expected) <= 3
        assert "icc_profile" not in image.info
    assert processed.removed & Kind.ICC
    assert processed.notes == Note(0)


def test_transparency_does_not_change_the_colours_beside_it(bench: Bench) -> None:
    rgb = (180, 60, 40)
    source = encoded(plain((*rgb, 100), "RGBA"), "PNG", icc_profile=icc.display_p3())

    image = bench.picture(source)

    red, green, blue, alpha = pixel(image, (4, 4))
    assert distance((red, green, blue), colour.from_p3(icc.DISPLAY_P3, rgb)) <= 3
    assert alpha == 100


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
def test_a_kept_profile_goes_with_its_colours(bench: Bench, name: str) -> None:
    rgb = (180, 60, 40)
    source = encoded(plain(rgb), "PNG", icc_profile=icc.display_p3())

    processed = bench.process(source, {"format": name, "quality": 98}, **KEEP)

    image = opened(processed.outputs[0])
    assert image.info["icc_profile"] == icc.display_p3()
    assert distance(pixel(image.convert("RGB"), (4, 4)), rgb) <= 4
    assert not processed.removed & Kind.ICC


GREY_LEVELS = (40, 128, 220)


@pytest.mark.parametrize("level", GREY_LEVELS)
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_by_its_profile(bench: Bench, mode: str, level: int) -> None:
    value = level if mode == "L" else (level, 255)
    source = encoded(plain(value, mode), "PNG", icc_profile=icc.grey(1.8))

    image = bench.picture(source).convert("RGB")

    expected = colour.encoded((level / 255) ** 1.8)
    assert distance(pixel(image, (4, 4)), (expected,) * 3) <= 3


@pytest.mark.parametrize(
    ("name", "kept"), [("jpeg", True), ("png", True), ("avif", True), ("webp", False)]
)
def test_a_grey_profile_is_kept_where_grey_is(bench: Bench, name: str, kept: bool) -> None:  # noqa: FBT001 (a table's column)
    source = encoded(plain(128, "L"), "PNG", icc_profile=icc.grey(1.8))

    processed = bench.process(source, {"format": name, "quality": 98}, **KEEP)

    image = opened(processed.outputs[0])
    level = 128 if kept else colour.encoded((128 / 255) ** 1.8)
    assert ("icc_profile" in image.info) is kept
    assert distance(pixel(image.convert("RGB"), (4, 4)), (level,) * 3) <= 3
    assert bool(processed.removed & Kind.ICC) is not kept


# A press whose inks differ a lot from arithmetic on CMYK. Its black is black: littleCMS stretches
# a press's darkest colour to the screen's.
INKS = {
    ink: (0.0, 0.0, 0.0)
    if ink[3]
    else (90.0 - 20 * sum(ink), 40.0 * ink[1] - 30 * ink[0], 50.0 * ink[2] - 20 * ink[0])
    for ink in itertools.product((0, 1), repeat=4)
}


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk_is_converted_although_its_profile_is_to_be_kept(bench: Bench, name: str) -> None:
    ink = (0, 1, 1, 0)
    inked = plain(tuple(255 * each for each in ink), "CMYK")
    source = encoded(inked, name, icc_profile=icc.cmyk(INKS), **OPTIONS[name])

    processed = bench.process(source, {"format": "png"}, **KEEP)

    image = opened(processed.outputs[0])
    assert distance(pixel(image, (4, 4)), colour.from_lab(INKS[ink])) <= 6
    assert "icc_profile" not in image.info
    assert processed.removed & Kind.ICC


def ycck(cmyk: Image.Image) -> bytes:
    """A CMYK image as Adobe's YCCK: its CMY as YCbCr, inverted K beside it.

    Pillow writes no YCCK. But it writes CMYK as four samples, which can be YCbCr's three channels
    and K, and the marker's last byte says how to read them.
    """
    cyan, magenta, yellow, black = cmyk.split()
    luma, blue, red = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    channels = [each.point(lambda v: 255 - v) for each in (luma, blue, red)]
    data = encoded(Image.merge("CMYK", [*channels, black]), "JPEG", quality=98, subsampling=0)
    marker = data.index(b"Adobe\0")
    assert data[marker + 11] == 0
    return data[: marker + 11] + b"\x02" + data[marker + 12 :]


@pytest.mark.parametrize(
    ("ink", "expected"),
    [
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 0, 0), (255, 0, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 128, 255, 64), (191, 95, 0)),
    ],
)
@pytest.mark.parametrize("encode", [ycck, lambda image: encoded(image, "JPEG", quality=98)])
def test_cmyk_without_a_profile_looks_as_in_browsers(
    bench: Bench, encode: Any, ink: tuple[int, ...], expected: Rgb
) -> None:
    image = bench.picture(encode(plain(ink, "CMYK")))

    assert image.mode == "RGB"
    assert distance(pixel(image, (4, 4)), expected) <= 6


UNUSABLE = {
    "broken": b"\0" * 36 + b"acsp" + b"\xff" * 100,
    "no profile": b"not a profile at all",
    "of another space": icc.cmyk(INKS),
    "for grey": icc.grey(),
    "header only": icc.display_p3()[:128] + bytes(4),
    "cut short": icc.display_p3()[:-4],
    "over 4 MiB": icc.display_p3() + bytes(4 * 1024 * 1024),
}


@pytest.mark.parametrize("profile", UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize("fields", [{}, KEEP], ids=["", "kept"])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_unusable_profile_is_dropped_with_a_note(
    bench: Bench, profile: bytes, fields: dict[str, Any], name: str
) -> None:
    rgb = (180, 60, 40)
    source = encoded(plain(rgb), name, icc_profile=profile, **OPTIONS[name])

    processed = bench.process(source, {"format": "png"}, **fields)

    image = opened(processed.outputs[0])
    assert processed.notes == Note.ICC_DROPPED
    assert processed.removed & Kind.ICC
    assert "icc_profile" not in image.info
    assert distance(pixel(image, (4, 4)), rgb) <= 3


def test_a_profile_that_inflates_without_end_is_dropped(bench: Bench) -> None:
    chunk = png.chunk(b"iCCP", b"bomb\0\0" + _deflated(bytes(64 * 1024 * 1024)))
    data = encoded(plain((9, 9, 9)), "PNG")

    processed = bench.process(data[:33] + chunk + data[33:], {"format": "png"})

    assert processed.notes == Note.ICC_DROPPED


def _deflated(data: bytes) -> bytes:
    import zlib

    return zlib.compress(data)


def cicp(transfer: int) -> bytes:
    data = encoded(plain((9, 9, 9)), "PNG")
    return data[:33] + png.chunk(b"cICP", bytes((9, transfer, 0, 1))) + data[33:]


def nclx(transfer: int) -> bytes:
    data = bytearray(encoded(plain((9, 9, 9)), "AVIF"))
    at = data.index(b"nclx")
    data[at + 6 : at + 8] = transfer.to_bytes(2, "big")
    return bytes(data)


def named(name: bytes) -> bytes:
    profile = icc.profile(b"RGB ", b"XYZ ", {b"desc": b"desc\0\0\0\0\0\0\0\x20" + name}, "hdr")
    return encoded(plain((9, 9, 9)), "JPEG", icc_profile=profile)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (cicp(16), "PQ"),
        (cicp(18), "HLG"),
        (nclx(16), "PQ"),
        (nclx(18), "HLG"),
        (named(b"Rec. ITU-R BT.2100 PQ\0"), "PQ"),
        (named("Rec2100HLG".encode("utf-16-be")), "HLG"),
    ],
)
def test_high_dynamic_range_is_named_and_refused(
    bench: Bench, source: bytes, expected: str
) -> None:
    with pytest.raises(ItemFailure) as failure:
        bench.process(source, {})

    message = f"the source is high dynamic range ({expected}), which is not supported"
    assert (failure.value.reason, failure.value.message) == ("UnsupportedFormat", message)


@pytest.mark.parametrize("source", [cicp(13), nclx(13)])
def test_standard_dynamic_range_is_not(bench: Bench, source: bytes) -> None:
    assert bench.picture(source).size == (32, 32)


def test_an_icc_profile_may_say_hdr_by_a_tag(bench: Bench) -> None:
    tag = b"cicp\0\0\0\0" + bytes((9, 16, 0, 1))
    profile = icc.profile(b"RGB ", b"XYZ ", {b"cicp": tag}, "hdr")

    with pytest.raises(ItemFailure, match="PQ"):
        bench.process(encoded(plain((9, 9, 9)), "JPEG", icc_profile=profile), {})


def test_the_profile_of_a_jpeg_is_put_together_from_its_segments(bench: Bench) -> None:
    """A profile over 64 KiB takes two segments, here in the wrong order."""
    large = icc.display_p3() + bytes(80_000)
    large = len(large).to_bytes(4, "big") + large[4:]
    data = encoded(plain((180, 60, 40)), "JPEG", icc_profile=large)
    first = data.index(b"ICC_PROFILE\0\x01") - 4
    second = data.index(b"ICC_PROFILE\0\x02") - 4
    end = second + 2 + int.from_bytes(data[second + 2 : second + 4], "big")
    swapped = data[:first] + data[second:end] + data[first:second] + data[end:]

    processed = bench.process(swapped, {"format": "png"}, **KEEP)

    assert opened(processed.outputs[0]).info["icc_profile"] == large
    assert Image.open(io.BytesIO(data)).info["icc_profile"] == large
