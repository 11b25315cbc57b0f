"""Colours are right: measured, against arithmetic that is independent of the worker."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.pictures import Bench
from support.specimens import avif, colour, icc, jpeg, png, reading, tiff, webp
from support.specimens.colour import Rgb
from support.specimens.coloured import samples, strip

PATCHES: tuple[Rgb, ...] = (
    (255, 255, 255), (0, 0, 0), (128, 128, 128), (64, 64, 64),
    (180, 60, 40), (60, 160, 70), (40, 70, 180), (200, 180, 60),
    (120, 60, 140), (70, 140, 150), (255, 0, 0), (0, 255, 0),
)  # fmt: skip
LEVELS = (0, 40, 90, 128, 180, 220, 255)

# A press whose corners are all known; lcms interpolates between them.
INKS: dict[tuple[int, int, int, int], tuple[float, float, float]] = {
    ink: (0.0, 0.0, 0.0) if ink[3] else tone
    for ink, tone in zip(
        itertools.product((0, 1), repeat=4),
        itertools.chain.from_iterable(
            itertools.repeat(tone, 2)
            for tone in (
                (100.0, 0.0, 0.0), (88.0, -6.0, 90.0), (50.0, 65.0, 0.0), (48.0, 60.0, 45.0),
                (60.0, -25.0, -40.0), (52.0, -50.0, 25.0), (28.0, 18.0, -42.0), (25.0, 0.0, 0.0),
            )
        ),
        strict=True,
    )
}  # fmt: skip

ENCODERS: dict[str, Callable[[Image.Image, bytes], bytes]] = {
    "jpeg": lambda picture, profile: jpeg.encode(picture, quality=100, icc_profile=profile),
    "png": lambda picture, profile: png.encode(picture, icc_profile=profile),
    "webp": lambda picture, profile: webp.encode(picture, exact=True, icc_profile=profile),
    "avif": lambda picture, profile: avif.encode(picture, quality=100, icc_profile=profile),
    "tiff": lambda picture, profile: tiff.encode(picture, profile=profile),
}
# Lossless sources must be as exact as 8 bits are; lossy ones are measured from what they decode to.
TOLERANCE = 2


def furthest(found: list[Rgb], expected: list[Rgb]) -> int:
    """The largest difference of any channel."""
    pairs = zip(found, expected, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


class Studio:
    """Gives the pipeline one source and returns the output file."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def develop(self, source: bytes, keep: tuple[str, ...] = (), made: str = "png") -> bytes:
        wanted = {"format": made, "lossless": True, "quality": 100}
        (output,) = self.bench.process(source, wanted, metadata={"keep": keep}).outputs
        return Path(output.path).read_bytes()


@pytest.fixture
def studio(bench: Bench) -> Studio:
    return Studio(bench)


def decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


RGB_SPACES: dict[str, tuple[Callable[[], bytes], Callable[[Rgb], Rgb]]] = {
    "display-p3": (icc.display_p3, lambda rgb: colour.from_p3(icc.DISPLAY_P3, rgb)),
    "adobe-rgb": (icc.adobe_rgb, lambda rgb: colour.from_gamma(icc.ADOBE_RGB, rgb)),
}


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("space", RGB_SPACES)
def test_wide_gamuts_come_out_as_srgb(studio: Studio, space: str, kind: str) -> None:
    profile, expected_of = RGB_SPACES[space]
    source = ENCODERS[kind](strip("RGB", PATCHES), profile())
    stored = samples(decoded(source).convert("RGB"))
    expected = [expected_of(rgb) for rgb in stored]

    made = studio.develop(source)
    found = samples(decoded(made).convert("RGB"))

    assert reading.read("png", made).icc == b""
    assert furthest(found, expected) <= TOLERANCE, list(zip(stored, found, expected, strict=True))
    # Reading the numbers as sRGB's would be this far off: the bound above is meaningful.
    assert furthest(stored, expected) > 10 * TOLERANCE


@pytest.mark.parametrize(("made", "tolerance"), [("webp", 2), ("jpeg", 4), ("avif", 4)])
def test_every_output_format_shows_the_right_colours(
    studio: Studio, made: str, tolerance: int
) -> None:
    source = png.encode(strip("RGB", PATCHES), icc_profile=icc.display_p3())

    found = samples(decoded(studio.develop(source, made=made)).convert("RGB"))

    expected = [colour.from_p3(icc.DISPLAY_P3, rgb) for rgb in PATCHES]
    assert furthest(found, expected) <= tolerance, list(zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
@pytest.mark.parametrize("space", RGB_SPACES)
def test_a_kept_profile_keeps_the_numbers(studio: Studio, space: str, kind: str) -> None:
    profile = RGB_SPACES[space][0]()
    source = ENCODERS[kind](strip("RGB", PATCHES), profile)

    made = studio.develop(source, keep=("icc",))

    assert reading.read("png", made).icc == profile
    assert samples(decoded(made).convert("RGB")) == list(PATCHES)


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff"])
def test_grey_comes_out_as_srgb(studio: Studio, kind: str) -> None:
    source = ENCODERS[kind](strip("L", LEVELS), icc.grey(1.8))
    stored = samples(decoded(source))

    found = samples(decoded(studio.develop(source)).convert("RGB"))

    expected = [(colour.encoded((level / 255) ** 1.8),) * 3 for level in stored]
    assert furthest(found, expected) <= TOLERANCE, list(zip(stored, found, expected, strict=True))


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_cmyk_goes_through_its_own_profile(studio: Studio, kind: str) -> None:
    inks = tuple(tuple(255 * part for part in ink) for ink in INKS)
    source = ENCODERS[kind](strip("CMYK", inks), icc.cmyk(INKS))

    found = samples(decoded(studio.develop(source)).convert("RGB"))

    expected = [colour.from_lab(lab) for lab in INKS.values()]
    # JPEG sometimes rounds an ink to 254, and the profile's Lab has 8 bits.
    assert furthest(found, expected) <= 3, list(zip(inks, found, expected, strict=True))


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_cmyk_without_a_profile_is_not_inverted(studio: Studio, kind: str) -> None:
    source = ENCODERS[kind](strip("CMYK", ((0, 0, 0, 0), (0, 0, 0, 255), (0, 255, 255, 0))), b"")

    white, black, red = samples(decoded(studio.develop(source)).convert("RGB"))

    assert min(white) >= 250
    assert max(black) <= 45
    assert red[0] > 150
    assert max(red[1:]) < 100


@pytest.mark.parametrize("made", ["jpeg", "png", "webp", "avif"])
@pytest.mark.parametrize(
    ("mode", "colours", "profile"),
    [("CMYK", ((0, 255, 0, 0), (0, 0, 0, 0)), icc.cmyk(INKS)), ("L", LEVELS, icc.grey())],
    ids=["cmyk", "grey"],
)
def test_a_kept_profile_fits_its_pixels(
    studio: Studio, mode: str, colours: tuple[Any, ...], profile: bytes, made: str
) -> None:
    """An output of another mode than the source must not carry the source's profile."""
    data = studio.develop(
        tiff.encode(strip(mode, colours), profile=profile), keep=("icc",), made=made
    )

    contents = reading.read(made, data)

    assert contents.icc[16:20] in {b"", b"GRAY" if contents.is_grey else b"RGB "}
