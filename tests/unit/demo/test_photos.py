"""Each photo has exactly what its description says, according to independent readers."""

from __future__ import annotations

import io
import struct
import zlib

import pyexiv2
import pytest
from imagejob_demo import icc
from imagejob_demo.check import SECRETS
from imagejob_demo.photos import PHOTOS, Photo
from imagejob_demo.uploads import BAD_UPLOADS, bomb, cut_short
from PIL import Image, ImageCms

SCALE = 0.1
TEXT_CHUNKS = {"Author", "Comment"}

each_photo = pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.name)


def photo(name: str) -> Photo:
    return next(each for each in PHOTOS if each.name == name)


def opened(name: str) -> Image.Image:
    return Image.open(io.BytesIO(photo(name).encoded(SCALE)))


def kinds(data: bytes) -> set[str]:
    """Kinds of metadata that exiv2 finds, under the names that statuses use."""
    with pyexiv2.ImageData(data) as image:
        exif = image.read_exif()
        found = {
            "exif": bool(exif),
            "gps": any(key.startswith("Exif.GPSInfo") for key in exif),
            "xmp": bool(image.read_raw_xmp()),
            "iptc": bool(image.read_iptc()),
            "icc": bool(image.read_icc()),
            "comment": bool(image.read_comment()),
        }
    return {kind for kind, there in found.items() if there}


@each_photo
def test_carries_what_it_says(photo: Photo) -> None:
    data = photo.encoded(SCALE)

    found = kinds(data)
    with Image.open(io.BytesIO(data)) as picture:
        if TEXT_CHUNKS & set(picture.info):
            # exiv2 reports a PNG's Comment as a comment; it is a text chunk.
            found = (found - {"comment"}) | {"text"}

    assert found == photo.carries


@each_photo
def test_is_the_same_each_time(photo: Photo) -> None:
    assert photo.encoded(SCALE) == photo.encoded(SCALE)


@each_photo
def test_says_a_word_that_must_not_get_out(photo: Photo) -> None:
    data = photo.encoded(SCALE)

    if photo.carries != {"icc"}:
        assert any(secret in data for secret in SECRETS)


def test_sizes_go_from_500_to_7_megapixels() -> None:
    sides = sorted((photo.width, photo.height) for photo in PHOTOS)

    assert sides[0] == (500, 500)
    assert (2268, 3024) in sides


@pytest.mark.parametrize(
    ("name", "format_", "mode"),
    [
        ("lighthouse", "JPEG", "RGB"),
        ("sunset", "JPEG", "RGB"),
        ("dunes", "JPEG", "RGB"),
        ("balloons", "JPEG", "CMYK"),
        ("orange", "PNG", "RGBA"),
        ("aurora", "PNG", "RGB"),
        ("city", "WEBP", "RGB"),
        ("poppy", "JPEG", "RGB"),
    ],
)
def test_format(name: str, format_: str, mode: str) -> None:
    picture = opened(name)

    assert (picture.format, picture.mode) == (format_, mode)


def test_the_lighthouse_lies_on_its_side() -> None:
    picture = opened("lighthouse")

    assert picture.getexif()[0x0112] == 6
    assert picture.width > picture.height


def test_the_dunes_are_progressive() -> None:
    assert opened("dunes").info["progressive"]


def test_the_orange_is_transparent_at_its_corners_only() -> None:
    alpha = opened("orange").getchannel("A")

    assert alpha.getpixel((0, 0)) == 0
    assert alpha.getpixel((alpha.width // 2, alpha.height // 2)) == 255


def test_display_p3_has_the_published_colorants() -> None:
    # Apple's Display P3.icc, as rounded to s15Fixed16.
    expected = [
        [0.51512, 0.24120, -0.00105],
        [0.29198, 0.69225, 0.04189],
        [0.15710, 0.06657, 0.78407],
    ]

    for made, published in zip(icc.colorants(), expected, strict=True):
        assert made == pytest.approx(published, abs=1e-4)


def test_littlecms_takes_the_profile() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc.display_p3()))

    assert "Display P3" in ImageCms.getProfileDescription(profile)
    assert ImageCms.isIntentSupported(
        profile, ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Direction.INPUT
    )


def test_the_bomb_is_small_and_well_formed() -> None:
    data = bomb()

    width, height = struct.unpack(">II", data[16:24])
    assert width * height == 900_000_000
    assert len(data) < 200_000
    assert zlib.crc32(data[12:29]) == int.from_bytes(data[29:33], "big")


def test_the_broken_upload_opens_and_does_not_decode() -> None:
    broken = Image.open(io.BytesIO(cut_short(photo("poppy").encoded())))

    assert broken.size == (500, 500)
    with pytest.raises(OSError, match="truncated"):
        broken.load()


def test_one_bad_upload_is_never_uploaded() -> None:
    assert [bad.name for bad in BAD_UPLOADS if bad.made_of is None] == ["lost"]
