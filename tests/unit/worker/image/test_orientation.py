"""An image becomes upright, however the camera was held, in every format that records it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from PIL import Image
from support.pictures import Bench, opened
from support.specimens import avif, exif, jpeg, png, tiff, webp
from support.specimens.ifd import SHORT, Directory
from support.specimens.ifd import tiff as structure

# The places of the stored image's first row and first column (EXIF 2.32, 4.6.4, tag Orientation).
ORIENTATIONS = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip
OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
CORNERS = {
    ("top", "left"): (200, 30, 30), ("top", "right"): (30, 170, 30),
    ("bottom", "left"): (30, 30, 200), ("bottom", "right"): (220, 200, 40),
}  # fmt: skip
SIZE = (320, 192)
SOURCES = ("jpeg", "png", "webp", "avif", "tiff")
# The whole image; one small enough that a JPEG is decoded at a fraction of its size; a crop.
OUTPUTS: list[dict[str, Any]] = [
    {"name": "full", "format": "png"},
    {"name": "small", "format": "png", "width": 40, "height": 40},
    {
        "name": "cover",
        "format": "png",
        "width": 30,
        "height": 60,
        "fit": "cover",
        "gravity": "west",
    },
]
CASES = list(itertools.product(SOURCES, ORIENTATIONS))


def stored(orientation: int) -> Image.Image:
    """The image as a camera held this way stores it: four quarters, placed by the table."""
    first_row, first_column = ORIENTATIONS[orientation]
    width, height = SIZE if first_row in ("top", "bottom") else SIZE[::-1]
    image = Image.new("RGB", (width, height))
    for row, column in itertools.product((0, 1), repeat=2):
        sides = {
            first_row if row == 0 else OPPOSITE[first_row],
            first_column if column == 0 else OPPOSITE[first_column],
        }
        colour = next(value for corner, value in CORNERS.items() if set(corner) == sides)
        image.paste(
            colour,
            (
                column * width // 2,
                row * height // 2,
                (column + 1) * width // 2,
                (row + 1) * height // 2,
            ),
        )
    return image


def source_file(kind: str, orientation: int) -> bytes:
    picture = stored(orientation)
    block = structure([Directory({0x0112: (SHORT, [orientation])})], ">")
    if kind == "jpeg":
        return jpeg.with_segments(jpeg.encode(picture), jpeg.exif_segment(exif.exif(orientation)))
    if kind == "png":
        return png.with_chunks(png.encode(picture), png.chunk(b"eXIf", block))
    if kind == "webp":
        return webp.extended(picture, webp.EXIF_FLAG, after=(webp.chunk(b"EXIF", block),))
    if kind == "avif":
        return avif.encode(
            picture, exif=block
        )  # Pillow converts the tag to the format's own irot and imir
    return tiff.encode(picture, orientation=orientation)


def corners(image: Image.Image) -> dict[tuple[str, str], tuple[int, ...]]:
    """The colour of each quarter, an eighth away from its corner."""
    across, down = {"left": 1, "right": 7}, {"top": 1, "bottom": 7}
    return {
        (y, x): image.convert("RGB").getpixel(
            (across[x] * image.width // 8, down[y] * image.height // 8)
        )
        for y, x in CORNERS
    }


def is_close(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 12 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("kind", "orientation"), CASES)
def test_the_picture_is_upright(bench: Bench, kind: str, orientation: int) -> None:
    processed = bench.process(source_file(kind, orientation), *OUTPUTS)
    full, small, cover = map(opened, processed.outputs)

    assert full.size == SIZE
    assert small.size == (40, 24)
    assert cover.size == (30, 60)
    for image in (full, small):
        found = corners(image)
        assert all(is_close(found[corner], colour) for corner, colour in CORNERS.items()), found
    # A crop to the west holds the left half alone.
    found = corners(cover)
    assert is_close(found["top", "left"], CORNERS["top", "left"]), found
    assert is_close(found["top", "right"], CORNERS["top", "left"]), found
    assert is_close(found["bottom", "right"], CORNERS["bottom", "left"]), found
    assert (processed.source.width, processed.source.height) == SIZE


def test_an_avif_is_turned_by_its_own_properties_alone(bench: Bench) -> None:
    """EXIF's orientation doesn't count there: readers use irot and imir, if there are any."""
    # Under another number, which Pillow leaves alone, until the file is written.
    block = structure([Directory({0x0113: (SHORT, [6])})], ">")
    data = avif.encode(stored(1), exif=block).replace(b"\x01\x13\0\x03", b"\x01\x12\0\x03")
    assert b"\x01\x12\0\x03" in data

    image = bench.picture(data)

    found = corners(image)
    assert all(is_close(found[corner], colour) for corner, colour in CORNERS.items()), found
