"""The kinds of metadata reported for a source, without those that are kept.

A component test reads the whole matrix back with other tools; this one has each kind once.
"""

from __future__ import annotations

import io

import pytest
from imagejob_worker.contract.facts import Kind
from imagejob_worker.image.parsers import exif
from PIL import Image
from support.pictures import Bench, encoded, photo
from support.specimens import exif as exif_block
from support.specimens import gif, icc, jpeg, marks, png

PLAIN = photo((48, 32))
JPEG, PNG, GIF = (encoded(PLAIN, name) for name in ("JPEG", "PNG", "GIF"))
EXIF = exif_block.exif()
NOTHING = Kind(0)


def in_jpeg(*segments: bytes, trailing: bytes = b"") -> bytes:
    return jpeg.with_segments(JPEG, *segments, trailing=trailing)


def in_png(*chunks: bytes) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def mpo() -> bytes:
    return encoded(PLAIN, "MPO", save_all=True, append_images=[PLAIN])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(JPEG, NOTHING, id="jpeg"),
        pytest.param(in_jpeg(jpeg.exif_segment(EXIF)), Kind.EXIF | Kind.GPS, id="jpeg exif"),
        pytest.param(in_jpeg(jpeg.xmp_segment()), Kind.XMP, id="jpeg xmp"),
        pytest.param(in_jpeg(jpeg.iptc_segment()), Kind.IPTC | Kind.OTHER, id="jpeg iptc"),
        pytest.param(in_jpeg(jpeg.icc_segments(icc.display_p3())), Kind.ICC, id="jpeg icc"),
        pytest.param(in_jpeg(jpeg.segment(0xFE, b"hi")), Kind.COMMENT, id="jpeg comment"),
        pytest.param(in_jpeg(jpeg.segment(0xEC, b"Ducky")), Kind.OTHER, id="jpeg APP12"),
        pytest.param(in_jpeg(trailing=b"PK\x03\x04"), Kind.TRAILING, id="jpeg trailing"),
        pytest.param(mpo(), Kind.OTHER | Kind.TRAILING, id="mpo"),
        pytest.param(PNG, NOTHING, id="png"),
        pytest.param(in_png(png.chunk(b"eXIf", EXIF)), Kind.EXIF | Kind.GPS, id="png exif"),
        pytest.param(in_png(png.text(b"Author", b"me")), Kind.TEXT, id="png text"),
        pytest.param(in_png(png.xmp_chunk()), Kind.XMP, id="png xmp"),
        pytest.param(in_png(png.iccp(icc.display_p3())), Kind.ICC, id="png icc"),
        pytest.param(in_png(png.chunk(b"prVt", b"x")), Kind.OTHER, id="png private"),
        pytest.param(in_png(png.chunk(b"gAMA", b"\0\0\xb1\x8f")), NOTHING, id="png gamma"),
        pytest.param(PNG + b"tail", Kind.TRAILING, id="png trailing"),
        pytest.param(gif.with_blocks(GIF, gif.comment(b"hi")), Kind.COMMENT, id="gif comment"),
        pytest.param(gif.with_blocks(GIF, gif.xmp_application()), Kind.XMP, id="gif xmp"),
        pytest.param(GIF + b"tail", Kind.TRAILING, id="gif trailing"),
        pytest.param(encoded(PLAIN, "WEBP", exif=EXIF), Kind.EXIF | Kind.GPS, id="webp exif"),
        pytest.param(encoded(PLAIN, "WEBP", xmp=marks.xmp()), Kind.XMP, id="webp xmp"),
        pytest.param(encoded(PLAIN, "WEBP") + b"tail", Kind.TRAILING, id="webp trailing"),
        pytest.param(encoded(PLAIN, "AVIF", exif=EXIF), Kind.EXIF | Kind.GPS, id="avif exif"),
        pytest.param(encoded(PLAIN, "AVIF", xmp=marks.xmp()), Kind.XMP, id="avif xmp"),
        pytest.param(encoded(PLAIN, "AVIF") + b"tail tail", Kind.TRAILING, id="avif trailing"),
        pytest.param(encoded(PLAIN, "TIFF"), NOTHING, id="tiff"),
        pytest.param(encoded(PLAIN, "TIFF", tiffinfo={315: "me"}), Kind.EXIF, id="tiff artist"),
    ],
)
def test_each_kind(bench: Bench, source: bytes, expected: Kind) -> None:
    with Image.open(io.BytesIO(source)) as image:
        image.load()  # the specimen itself is sound

    assert bench.process(source, {}).removed == expected


def test_what_is_kept_is_not_removed(bench: Bench) -> None:
    source = in_png(png.iccp(icc.display_p3()), png.text(b"Author", b"me"))

    processed = bench.process(source, {}, metadata={"keep": ["icc"]})

    assert processed.removed == Kind.TEXT


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_in_either_byte_order(order: str, orientation: int) -> None:
    block = exif_block.exif(orientation, order, thumbnail=JPEG)

    assert exif.inspect(block) == (Kind.EXIF | Kind.GPS | Kind.THUMBNAIL, orientation)


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_exif_cut_short_is_still_exif(length: int) -> None:
    kinds, orientation = exif.inspect(EXIF[:length])

    assert kinds & Kind.EXIF
    assert 1 <= orientation <= 8


def test_exif_that_points_at_itself_ends() -> None:
    entries = b"\x01\0" + b"\x0f\x01\x02\0\x01\0\0\0a\0\0\0" + b"\x08\0\0\0"

    assert exif.inspect(b"II*\0\x08\0\0\0" + entries) == (Kind.EXIF, 1)
