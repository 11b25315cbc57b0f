"""Rare kinds of JPEG, PNG, WebP and AVIF: right, as libvips shows them, or refused by name.

TIFF has a table of its own.
"""

from __future__ import annotations

import struct
from random import Random

import pytest
from imagejob_worker.contract.failures import ItemFailure
from PIL import Image
from support import vips
from support.gallery.case import drawn, turned
from support.gallery.others import deep_avif
from support.judges import BROWSERS
from support.pictures import Bench
from support.shown import Shown
from support.specimens import avif, icc, jpeg, png, png_samples, webp
from support.specimens.ifd import SHORT, Directory, tiff
from support.vips import mean_difference

TOLERANCE = 3.0
PICTURE = drawn(Random(1), (64, 48))
CMYK = PICTURE.convert("RGB").convert("CMYK")
FRAME = b"\xff\xc0"  # a baseline JPEG's header of its frame


def failure(bench: Bench, source: bytes) -> ItemFailure:
    with pytest.raises(ItemFailure) as caught:
        bench.process(source, {})
    return caught.value


def jpeg_of(picture: Image.Image = PICTURE, **choices: object) -> bytes:
    return jpeg.encode(picture.convert("RGB"), **choices)


def with_frame(*changes: tuple[int, int]) -> bytes:
    """A JPEG some bytes of whose frame header, counted from its marker, are others."""
    data = bytearray(jpeg_of())
    at = data.index(FRAME)
    for offset, byte in changes:
        data[at + offset] = byte
    return bytes(data)


def with_components(count: int) -> bytes:
    """A JPEG whose frame header has so many components, each like the first."""
    data = jpeg_of()
    at = data.index(FRAME)
    each = b"".join(bytes((number, 0x11, 0)) for number in range(count))
    header = (8 + 3 * count).to_bytes(2, "big") + data[at + 4 : at + 9] + bytes((count,)) + each
    return data[: at + 2] + header + data[at + 19 :]


class TestJpeg:
    @pytest.mark.parametrize(
        ("source", "kind"),
        [
            (with_frame((4, 12)), "12-bit"),
            (with_frame((1, 0xC1), (4, 12)), "12-bit"),
            *((with_frame((1, marker)), "lossless") for marker in (0xC3, 0xCB)),
            *((with_frame((1, marker)), "hierarchical") for marker in (0xC5, 0xC6, 0xCD, 0xCE)),
            *((with_components(count), f"{count}-component") for count in (2, 5, 255)),
        ],
    )
    def test_kinds_without_a_decoder_are_named(
        self, bench: Bench, source: bytes, kind: str
    ) -> None:
        found = failure(bench, source)

        assert found.reason == "UnsupportedFormat"
        assert found.message == f"the source is {kind} JPEG, which is not supported"

    @pytest.mark.parametrize(
        "source",
        [
            with_frame((1, 0xC1)),
            jpeg_of(progressive=True),
            jpeg_of(keep_rgb=True),
            *(jpeg_of(subsampling=chroma) for chroma in (0, 1, 2)),
            *(jpeg_of(restart_marker_blocks=blocks) for blocks in (1, 5)),
            jpeg_of(optimize=True, quality=100),
        ],
    )
    def test_others_are_right(self, bench: Bench, source: bytes) -> None:
        assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE

    @pytest.mark.parametrize("transform", [None, 0, 1, 2])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_inks_with_and_without_adobes_segment(
        self, bench: Bench, transform: int | None, *, progressive: bool
    ) -> None:
        plain = jpeg.encode(CMYK, progressive=progressive)
        at = plain.index(b"Adobe")
        if transform is None:
            source = plain[: at - 4] + plain[at + 12 :]
        else:
            source = plain[: at + 11] + bytes((transform,)) + plain[at + 12 :]

        assert mean_difference(bench.shown(source), BROWSERS.show(source, None)) <= TOLERANCE

    @pytest.mark.parametrize("transform", [0, 1, 2])
    @pytest.mark.parametrize("has_jfif", [False, True])
    def test_three_components_with_adobes_segment(
        self, bench: Bench, transform: int, *, has_jfif: bool
    ) -> None:
        plain = jpeg_of()
        after = 2 if has_jfif else 20
        adobe = jpeg.segment(jpeg.APP14, b"Adobe\0\x64\0\0\0\0" + bytes((transform,)))
        source = plain[:2] + plain[after:20] + adobe + plain[20:]

        assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE


class TestPng:
    @pytest.mark.parametrize("interlaced", [False, True])
    @pytest.mark.parametrize(
        ("colour", "depth"),
        [
            (colour, depth)
            for colour in png_samples.SAMPLES
            for depth in png_samples.DEPTHS.get(colour, (8, 16))
        ],
    )
    def test_each_kind_of_samples(
        self, bench: Bench, colour: int, depth: int, *, interlaced: bool
    ) -> None:
        layout = png_samples.Layout(colour, depth, interlaced, Random(depth))
        rows = png_samples.rows_of(layout, PICTURE.crop((0, 0, 21, 13)))
        source = png_samples.write(layout, rows, *png_samples.palette(layout))

        assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE

    @pytest.mark.parametrize("depth", [8, 16])
    @pytest.mark.parametrize("colour", [png_samples.GREY, png_samples.GREY_ALPHA])
    def test_grey_uses_a_profile_for_grey(self, bench: Bench, colour: int, depth: int) -> None:
        layout = png_samples.Layout(colour, depth)
        rows = png_samples.rows_of(layout, PICTURE)
        source = png_samples.write(layout, rows, png.iccp(icc.grey(1.0)))

        assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE


class TestWebp:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    @pytest.mark.parametrize("lossless", [False, True])
    @pytest.mark.parametrize("method", [0, 6])
    def test_each_coding(self, bench: Bench, mode: str, method: int, *, lossless: bool) -> None:
        source = webp.encode(PICTURE.convert(mode), lossless=lossless, method=method)

        assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE


def aperture(width: int, height: int, right: int = 0, down: int = 0) -> bytes:
    """A clap box; the offsets count in half pixels."""
    fractions = struct.pack(">IIIIiIiI", width, 1, height, 1, right, 2, down, 2)
    return avif.box(b"clap", fractions)


class TestAvif:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    @pytest.mark.parametrize("bits", [10, 12])
    @pytest.mark.parametrize("chroma", ["on", "off"])
    def test_deep_samples(self, bench: Bench, mode: str, bits: int, chroma: str) -> None:
        source = deep_avif(PICTURE.convert(mode), bits, chroma)

        assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE

    @pytest.mark.parametrize(
        ("width", "height", "right", "down"),
        [(64, 48, 0, 0), (62, 46, 0, 0), (62, 46, 2, -2), (61, 45, 1, -1), (32, 24, -10, 6)],
    )
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_clean_aperture_is_all_that_is_seen(
        self, bench: Bench, width: int, height: int, right: int, down: int, orientation: int
    ) -> None:
        block = tiff([Directory({274: (SHORT, [orientation])})]) if orientation > 1 else b""
        plain = avif.encode(PICTURE.convert("RGB"), exif=block)
        source = avif.with_property(plain, aperture(width, height, right, down))
        left, top = (64 - width + right) // 2, (48 - height + down) // 2
        cut = PICTURE.convert("RGB").crop((left, top, left + width, top + height))

        found = bench.shown(source)

        upright = turned(cut.convert("RGBA"), orientation)
        expected = Shown(*upright.size, upright.tobytes())
        assert mean_difference(found, expected) <= TOLERANCE
        assert mean_difference(found, vips.shown(source)) <= TOLERANCE

    @pytest.mark.parametrize(
        "box", [aperture(65, 48), aperture(0, 48), aperture(62, 48, 9), aperture(64, 48)[:20]]
    )
    def test_an_aperture_beyond_the_image_is_damage(self, bench: Bench, box: bytes) -> None:
        source = avif.with_property(avif.encode(PICTURE.convert("RGB")), box)

        assert failure(bench, source).reason == "CorruptImage"

    def test_a_small_part_of_a_large_image_is_refused(self, bench: Bench) -> None:
        """Limits are about the picture, and the decoder would decode much more."""
        plain = avif.encode(Image.new("RGB", (400, 300), "teal"))

        found = failure(bench, avif.with_property(plain, aperture(10, 10)))

        assert found.reason == "UnsupportedFormat"
        assert (
            found.message
            == "the source is AVIF of 400 x 300 cut to 10 x 10, which is not supported"
        )
