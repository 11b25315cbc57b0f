"""What a container may state of its image's colours. Parsers list statements, best first."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

Point: TypeAlias = tuple[float, float]

D65: Final[Point] = (0.3127, 0.3290)


class Icc(msgspec.Struct, frozen=True):
    """An ICC profile; None if it can't be read."""

    data: bytes | None


class CodePoints(msgspec.Struct, frozen=True):
    """Numbers of ITU-T H.273: colour primaries, and transfer characteristics.

    With `defaults`, as in HEIF, a part that is unspecified or unknown counts as sRGB's; without, as
    in PNG, the statement counts for nothing then.
    """

    primaries: int
    transfer: int
    defaults: bool


class Srgb(msgspec.Struct, frozen=True):
    """The image is in sRGB."""


class Measured(msgspec.Struct, frozen=True):
    """PNG's gAMA and cHRM: the exponent of encoding, and x, y of white, red, green and blue."""

    gamma: float | None
    points: tuple[Point, Point, Point, Point] | None


class ExifSpace(msgspec.Struct, frozen=True):
    """EXIF's ColorSpace, and whether its InteroperabilityIndex is R03, which means Adobe RGB."""

    number: int
    is_r03: bool


class Broken(msgspec.Struct, frozen=True):
    """A statement that can't be read."""


Statement: TypeAlias = Icc | CodePoints | Srgb | Measured | ExifSpace | Broken


def stated(icc: bytes | None, *others: Statement | None) -> tuple[Statement, ...]:
    """A profile, if there is one, goes before what else is stated."""
    first = (Icc(icc),) if icc is not None else ()
    return (*first, *(other for other in others if other is not None))
