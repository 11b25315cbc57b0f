"""What one statement of a source's colours means. Pure.

The PNG specification and HEIF leave open what an unusual statement means; here it means what
Chromium shows (docs/colours.md has the table, `make proof-colours` compares).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from imagejob_worker.image.colours.spaces import (
    ADOBE_RGB,
    BT_709_POINTS,
    CURVES,
    POINTS,
    SRGB,
    SRGB_CURVE,
    Curve,
    Space,
    spans_colours,
)
from imagejob_worker.image.parsers.statements import (
    Broken,
    CodePoints,
    ExifSpace,
    Measured,
    Srgb,
)

if TYPE_CHECKING:
    from imagejob_worker.image.colours.spaces import Points


class Meaning(msgspec.Struct, frozen=True):
    """The space that a statement means; None: it decides nothing, and the next one is asked.

    `ignored` says that it states more than could be used, which users should know.
    """

    space: Space | None
    ignored: bool = False


NOTHING: Final = Meaning(None)
UNUSABLE: Final = Meaning(None, ignored=True)

UNSPECIFIED: Final = 2
VIDEO: Final = {1, 6, 11, 14, 15}
"""Transfer characteristics of video. Such an AVIF is shown by sRGB's curve, as browsers show video
beside a page's other colours; a PNG by that of a display for video."""

SRGB_GAMMA: Final = 1 / 2.2
NEARLY: Final = 0.05
"""A gAMA without cHRM that is this close to sRGB's means sRGB: writers have no better number."""

CLOSE: Final = 0.001
MAX_EXPONENT: Final = 1000.0  # beyond it, 8 bits are black and white

EXIF_SRGB, EXIF_ADOBE_RGB, EXIF_UNCALIBRATED = 1, 2, 65_535


def judge(statement: CodePoints | Srgb | Measured | ExifSpace | Broken) -> Meaning:
    """Return what the statement means."""
    match statement:
        case CodePoints(defaults=True):
            return _by_defaults(statement)
        case CodePoints():
            return _by_numbers(statement)
        case Measured():
            return _measured(statement)
        case ExifSpace():
            return _by_exif(statement)
        case Srgb():
            return Meaning(SRGB)
        case Broken():
            return UNUSABLE


def _by_numbers(coded: CodePoints) -> Meaning:
    if coded.primaries == coded.transfer == UNSPECIFIED:
        return NOTHING
    if coded.primaries not in POINTS or coded.transfer not in CURVES:
        return UNUSABLE
    return Meaning(Space(POINTS[coded.primaries], CURVES[coded.transfer]))


def _by_defaults(coded: CodePoints) -> Meaning:
    """What is not specified, or not known, counts as sRGB's."""
    primaries, transfer = coded.primaries, coded.transfer
    if primaries == transfer == UNSPECIFIED:
        return NOTHING
    curve = SRGB_CURVE if transfer in VIDEO else CURVES.get(transfer, SRGB_CURVE)
    unknown = {primaries} - POINTS.keys() | {transfer} - CURVES.keys()
    space = Space(POINTS.get(primaries, BT_709_POINTS), curve)
    return Meaning(space, ignored=not unknown <= {UNSPECIFIED})


def _measured(measured: Measured) -> Meaning:
    """Chromaticities count with a gamma only, and an unusable part makes all of it unusable."""
    gamma, points = measured.gamma, measured.points
    if gamma is None:
        assert points is not None  # noqa: S101 (for mypy: one of both is there)
        return NOTHING if _close(points, BT_709_POINTS) else UNUSABLE
    if gamma == 0 or (points is not None and not spans_colours(points)):
        return UNUSABLE
    if points is None and abs(gamma / SRGB_GAMMA - 1) <= NEARLY:
        return Meaning(SRGB)
    exponent = min(max(1 / gamma, 1 / MAX_EXPONENT), MAX_EXPONENT)
    return Meaning(Space(points or BT_709_POINTS, Curve(exponent)))


def _by_exif(stated: ExifSpace) -> Meaning:
    """DCF has Adobe RGB as uncalibrated and R03; some cameras write 2, which EXIF doesn't list."""
    if stated.number == EXIF_SRGB:
        return Meaning(SRGB)
    if stated.number == EXIF_ADOBE_RGB or (stated.number == EXIF_UNCALIBRATED and stated.is_r03):
        return Meaning(ADOBE_RGB)
    return UNUSABLE


def _close(points: Points, others: Points) -> bool:
    pairs = zip(points, others, strict=True)
    return all(abs(a - b) <= CLOSE for one, two in pairs for a, b in zip(one, two, strict=True))
