"""TIFF's tags: what may be missing, doubled, of another type, or contradict the others."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from imagejob_worker.contract.failures import ItemFailure
from support import vips
from support.pictures import Bench, encoded, photo
from support.specimens import samples, strips
from support.specimens.ifd import BYTE, LONG, SHORT, Directory, Value, tiff
from support.specimens.samples import (
    BLACK_IS_ZERO,
    CMYK,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    Colour,
    Layout,
)
from support.vips import mean_difference

SIDES = (12, 8)
TOLERANCE = 3.0
GREY = Layout(photometric=BLACK_IS_ZERO)


def paint(x: int, y: int) -> Colour:
    """All four change, each in its own direction."""
    return x % 12 / 11, y % 8 / 7, (x * 5 + y * 3) % 12 / 11, 0.3 + 0.7 * (1 - x % 12 / 11)


@pytest.mark.parametrize("rows", [2**31, 3_305_111_560, 2**32 - 2])
def test_strips_of_more_rows_than_can_be_counted_are_damage(bench: Bench, rows: int) -> None:
    stated = struct.pack("<HHII", 278, 4, 1, 3)
    data = encoded(photo((24, 9)), "TIFF", tiffinfo={278: 3}).replace(
        struct.pack("<HHIHH", 278, 3, 1, 3, 0), stated
    )
    assert bench.shown(data)

    with pytest.raises(ItemFailure) as failure:
        bench.shown(data.replace(stated, struct.pack("<HHII", 278, 4, 1, rows)))

    assert failure.value.reason == "CorruptImage"
    assert failure.value.message == f"the TIFF states strips of {rows:,} rows"


@pytest.mark.parametrize("bits", [8, 16])
def test_tiles_of_planes(bench: Bench, bits: int) -> None:
    """libvips lacks them."""
    layout = Layout(bits=bits)
    tiles = samples.write(replace(layout, planar=True, tile=16), paint, (40, 24))

    assert bench.shown(tiles) == bench.shown(samples.write(layout, paint, (40, 24)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "layout",
    [
        *(
            Layout(photometric, 1, compression=method, rows=8, fill_order=fill)
            for method in (strips.FAX3, strips.FAX4)
            for photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
            for fill in (1, 2)
        ),
        replace(GREY, compression=strips.JPEG),
        Layout(compression=strips.JPEG),
        Layout(compression=strips.JPEG, planar=True),
        Layout(YCBCR, compression=strips.JPEG),
        Layout(YCBCR, compression=strips.JPEG, subsampled=True),
    ],
    ids=lambda layout: f"{layout.compression}-{layout.photometric}-{layout.fill_order}",
)  # fmt: skip
def test_fax_and_jpeg(bench: Bench, layout: Layout, order: str) -> None:
    source = samples.write(replace(layout, order=order), paint, (24, 16))

    assert mean_difference(bench.shown(source), vips.shown(source)) <= TOLERANCE


@pytest.mark.parametrize("method", ["zstd", "lzma"])
def test_compressions_that_libvips_lacks(bench: Bench, method: str) -> None:
    picture = photo((40, 24))

    found = bench.picture(encoded(picture, "TIFF", compression=method))

    assert found.convert("RGB").tobytes() == picture.tobytes()


@pytest.mark.parametrize("photometric", [None, RGB, YCBCR])
def test_jpeg_of_the_old_kind(bench: Bench, photometric: int | None) -> None:
    """Its JPEG is a file within the file (TIFF 6.0, section 22); the other tags count nothing."""
    file = encoded(photo((24, 16)), "JPEG", subsampling=0)
    page = Directory(
        {
            256: (LONG, [24]), 257: (LONG, [16]), 259: (SHORT, [6]), 278: (LONG, [16]),
            273: (LONG, [8]), 279: (LONG, [len(file)]), 513: (LONG, [8]), 514: (LONG, [len(file)]),
            530: (SHORT, [1, 1]),
        }
    )  # fmt: skip
    if photometric is not None:
        page.entries |= {262: (SHORT, [photometric]), 277: (SHORT, [3]), 258: (SHORT, [8] * 3)}

    assert mean_difference(bench.shown(tiff([page], ahead=file)), vips.shown(file)) <= TOLERANCE


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (replace(GREY, bits=4, compression=strips.LZW, predictor=2),
         "the source is 4-bit grey TIFF by method 5, predictor 2"),
        (Layout(bits=16, compression=strips.JPEG), "the source is 16-bit RGB TIFF by method 7"),
        (replace(GREY, compression=strips.FAX4), "the source is 8-bit grey TIFF by method 4"),
        (Layout(compression=strips.WEBP), "the source is TIFF compressed by method 50001"),
        (Layout(compression=34712), "the source is TIFF compressed by method 34712"),
        (Layout(more={258: (SHORT, [5, 6, 5])}), "the source is 5/6-bit RGB TIFF"),
        (Layout(more={339: (SHORT, [1, 1, 3])}), "the source is 8-bit mixed RGB TIFF"),
        (Layout(CMYK, more={332: (SHORT, [2])}), "the source is 8-bit CMYK TIFF"),
        (Layout(more={262: (SHORT, [77])}), "the source is 8-bit photometric 77"),
    ],
    ids=lambda value: value.split(" is ")[1] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_else_is_beyond_us(bench: Bench, layout: Layout, message: str) -> None:
    source = samples.write(replace(layout, compression=strips.NONE), paint, SIDES)
    tag = struct.pack("<HHIHH", 259, SHORT, 1, 1, 0)
    source = source.replace(tag, struct.pack("<HHIHH", 259, SHORT, 1, layout.compression, 0))

    with pytest.raises(ItemFailure) as caught:
        bench.process(source, {})

    assert caught.value.reason == "UnsupportedFormat"
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "more",
    [
        {277: (SHORT, [5])}, {277: (SHORT, [0])}, {258: (SHORT, [8, 8])}, {258: (SHORT, [65] * 3)},
        {338: (SHORT, [2])}, {322: (LONG, [9999]), 323: (LONG, [9999])},
        {262: (SHORT, [PALETTE]), 277: (SHORT, [1]), 320: (SHORT, [1, 2, 3])},
    ],
    ids=str,
)  # fmt: skip
def test_tags_that_contradict_each_other_are_damage(
    bench: Bench, more: dict[int, tuple[int, Value]]
) -> None:
    with pytest.raises(ItemFailure) as caught:
        bench.process(samples.write(Layout(more=more), paint, SIDES), {})

    assert caught.value.reason == "CorruptImage"
    assert caught.value.message.startswith("the TIFF")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_of_any_type(bench: Bench, orientation: int, kind: int, order: str) -> None:
    layout = Layout(orientation=orientation, orientation_kind=kind, order=order)
    source = samples.write(layout, paint, SIDES)

    assert bench.shown(source) == vips.shown(source)


def test_what_xmp_says_of_the_orientation_does_not_count(bench: Bench) -> None:
    xmp = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    source = samples.write(Layout(more={700: (BYTE, xmp)}), paint, SIDES)

    assert bench.shown(source) == vips.shown(source)


@pytest.mark.parametrize("tag", [258, 266, 277, 278, 279, 284, 339])
def test_tags_that_may_be_missing(bench: Bench, tag: int) -> None:
    layout = Layout(photometric=BLACK_IS_ZERO, bits=1, rows=8, without=(tag,))
    source = samples.write(layout, paint, SIDES)

    assert bench.shown(source) == vips.shown(source)


@pytest.mark.parametrize(
    "layout", [replace(GREY, extra=(2,)), Layout(extra=(2,)), Layout(bits=16, extra=(2,))]
)
def test_one_sample_more_than_colours_is_alpha(bench: Bench, layout: Layout) -> None:
    source = samples.write(replace(layout, without=(338,)), paint, SIDES)

    assert bench.shown(source) == vips.shown(source)


def test_the_first_of_two_tags_counts(bench: Bench) -> None:
    """As in libtiff, which decodes."""
    source = samples.write(GREY, paint, SIDES)
    at = source.index(struct.pack("<HHI", 266, SHORT, 1))  # the fill order's entry, for another
    twice = source[:at] + struct.pack("<HHIHH", 262, SHORT, 1, 0, 0) + source[at + 12 :]

    assert bench.shown(twice) == vips.shown(source)
