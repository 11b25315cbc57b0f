"""Who says how a picture has to look: libvips, and where it can't, why not and who else.

Each is given the file, and the picture that was put into it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import pyvips

from support import vips
from support.shown import Shown
from support.specimens.spaces import Space


class Judge(NamedTuple):
    """`why` it isn't libvips alone, for people; empty for libvips itself."""

    why: str
    show: Callable[[bytes, Shown | None], Shown]


def _opaque(source: bytes, _: Shown | None) -> Shown:
    picture = vips.load(source)
    return vips.pixels_of(vips.to_srgb(picture[: colours_of(picture)]))


def colours_of(picture: pyvips.Image) -> int:
    """How many of its bands are colours."""
    return {"cmyk": 4, "b-w": 1, "grey16": 1}.get(picture.interpretation, 3)


def _as_browsers(source: bytes, _: Shown | None) -> Shown:
    """`(255 - C)(255 - K) / 255`, of the inks that libvips reads."""
    inks = vips.load(source)
    left = (inks / (257 if inks.format == "ushort" else 1)).linear(-1, 255)
    rgb = left[:3] * left[3] / 255
    return vips.pixels_of(rgb.rint().cast("uchar").copy(interpretation="srgb").bandjoin(255))


LIBVIPS = Judge("", lambda source, _: vips.shown(source))
OPAQUE = Judge(
    "A sample of unspecified meaning is no alpha (TIFF 6.0, ExtraSamples): programs keep masks and"
    " selections there. libvips takes any further sample for alpha.",
    _opaque,
)
BROWSERS = Judge(
    "CMYK without a profile is shown as browsers show it. libvips converts it by a press's profile"
    " of its own.",
    _as_browsers,
)


def described(space: Space) -> Judge:
    """The samples that libvips reads, in a space that it doesn't know of."""

    def show(source: bytes, _: Shown | None) -> Shown:
        picture = vips.load(source).copy()
        picture.remove("icc-profile-data")
        samples = vips.pixels_of(vips.to_srgb(picture))
        known = lru_cache(None)(space.shown)
        pixels = (samples.rgba[at : at + 4] for at in range(0, len(samples.rgba), 4))
        shown = (bytes((*known(tuple(pixel[:3])), pixel[3])) for pixel in pixels)
        return samples._replace(rgba=b"".join(shown))

    return Judge("libvips reads no description of colours but an ICC profile.", show)


def arithmetic(why: str) -> Judge:
    """What was drawn is what has to come out, as libvips can't say it."""

    def show(_: bytes, painted: Shown | None) -> Shown:
        assert painted is not None
        return painted

    return Judge(why, show)
