"""Colour spaces by their primaries, their white and their curve: those that have names or numbers.

Source: ITU-T H.273 (07/2024), tables 2 and 3; ITU-R BT.1886; Adobe RGB (1998), 4.3.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from imagejob_worker.image.parsers.statements import D65, Point

Points: TypeAlias = tuple[Point, Point, Point, Point]
"""The x, y (CIE 1931) of white, red, green and blue."""

C: Final[Point] = (0.310, 0.316)
E: Final[Point] = (1 / 3, 1 / 3)
DCI: Final[Point] = (0.314, 0.351)


class Curve(msgspec.Struct, frozen=True):
    """How samples (0 to 1) become light: (ax + b)^g from `d` on, cx below it."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


class Space(msgspec.Struct, frozen=True):
    """What RGB samples mean: their primaries and white, and the curve of all three."""

    points: Points
    curve: Curve


def _camera(alpha: float, toe: float, slope: float, exponent: float) -> Curve:
    """The inverse of alpha * L^exponent - (alpha - 1), which is slope * L below `toe`."""
    return Curve(1 / exponent, 1 / alpha, (alpha - 1) / alpha, 1 / slope, toe * slope)


SRGB_CURVE: Final = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT_1886_CURVE: Final = Curve(2.4)
"""Of the displays that video is graded on; it isn't the inverse of what cameras do."""

CURVES: Final[dict[int, Curve]] = {
    1: BT_1886_CURVE,
    4: Curve(2.2),
    5: Curve(2.8),
    6: BT_1886_CURVE,
    7: _camera(1.111572195921731, 0.022821585529445, 4.0, 0.45),
    8: Curve(1.0),
    11: BT_1886_CURVE,
    13: SRGB_CURVE,
    14: BT_1886_CURVE,
    15: BT_1886_CURVE,
    17: Curve(2.6, (52.37 / 48) ** (1 / 2.6)),
}
"""By H.273's transfer characteristics; video's as displays show it.

Missing are the logarithmic ones (9, 10), BT.1361 (12), and those of high dynamic range.
"""

BT_709_POINTS: Final = (D65, (0.640, 0.330), (0.300, 0.600), (0.150, 0.060))

POINTS: Final[dict[int, Points]] = {
    1: BT_709_POINTS,
    4: (C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: (D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: (C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: (D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    10: (E, (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),
    11: (DCI, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: (D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
"""By H.273's colour primaries."""

SMALLEST_AREA: Final = 0.001
"""Of a triangle of primaries; sRGB's has 0.11."""

SRGB: Final = Space(BT_709_POINTS, SRGB_CURVE)
ADOBE_RGB: Final = Space((D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), Curve(563 / 256))


def spans_colours(points: Points) -> bool:
    """Whether they are those of a possible RGB space: on the diagram, and not all on one line."""
    on_diagram = all(0 <= part <= 1 for point in points for part in point)
    (_, white), (x0, y0), (x1, y1), (x2, y2) = points
    area = abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2
    return on_diagram and white > 0 and area > SMALLEST_AREA
