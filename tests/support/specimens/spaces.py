"""What samples of a space look like in sRGB: by arithmetic that is independent of the worker.

The numbers are those of ITU-T H.273, tables 2 and 3; the functions there go from light to samples,
and are turned around here by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import colour, icc
from .colour import Rgb

Point = tuple[float, float]
Light = Callable[[float], float]

D65, ILLUMINANT_C, EQUAL, DCI = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
BT_709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
SMPTE_C = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))

PRIMARIES: dict[int, tuple[Point, tuple[Point, ...]]] = {
    1: (D65, BT_709),
    4: (ILLUMINANT_C, ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08))),
    5: (D65, ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))),
    6: (D65, SMPTE_C),
    7: (D65, SMPTE_C),
    8: (ILLUMINANT_C, ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049))),
    9: (D65, ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))),
    10: (EQUAL, ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0))),
    11: (DCI, P3),
    12: (D65, P3),
    22: (D65, ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077))),
}


def turned_around(samples: Callable[[float], float]) -> Light:
    """The inverse of a function that rises from 0 on."""

    def light(value: float) -> float:
        low, high = 0.0, 2.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if samples(middle) < value else (low, middle)
        return low

    return light


def power(exponent: float) -> Light:
    return lambda value: value**exponent


def _camera(alpha: float, beta: float, slope: float) -> Light:
    return turned_around(
        lambda light: slope * light if light < beta else alpha * light**0.45 - (alpha - 1)
    )


def srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


BT_1886 = power(2.4)  # how displays show video
TRANSFERS: dict[int, Light] = {
    1: BT_1886,
    4: power(2.2),
    5: power(2.8),
    6: BT_1886,
    7: _camera(1.111572195921731, 0.022821585529445, 4.0),
    8: power(1.0),
    11: BT_1886,
    13: srgb,
    14: BT_1886,
    15: BT_1886,
    17: lambda value: 52.37 / 48 * value**2.6,
}


class Space(NamedTuple):
    """White, primaries, and how a sample (0 to 1) becomes light."""

    white: Point
    primaries: tuple[Point, ...]
    light: Light

    def shown(self, rgb: Sequence[int]) -> Rgb:
        """These samples in sRGB, clipped to its gamut."""
        light = [self.light(value / 255) for value in rgb]
        columns = [[x, y, 1 - x - y] for x, y in self.primaries]
        matrix = [list(row) for row in zip(*columns, strict=True)]
        scale = icc.apply(icc.invert(matrix), icc.white_xyz(self.white))
        xyz = icc.apply(matrix, [part * by for part, by in zip(light, scale, strict=True)])
        return colour.from_xyz(icc.apply(_to_d65(self.white), xyz))


def _to_d65(white: Point) -> icc.Matrix:
    """Bradford's adaptation."""
    bradford = icc._BRADFORD
    source, target = icc.apply(bradford, icc.white_xyz(white)), icc.apply(bradford, icc.white_xyz())
    gains = [[target[i] / source[i] if i == j else 0.0 for j in range(3)] for i in range(3)]
    return icc.multiply(icc.invert(bradford), icc.multiply(gains, bradford))


def numbered(primaries: int, transfer: int) -> Space:
    return Space(*PRIMARIES[primaries], TRANSFERS[transfer])


SRGB = numbered(1, 13)
DISPLAY_P3 = numbered(12, 13)
ADOBE_RGB = Space(D65, ADOBE, power(563 / 256))


def encoded_by(gamma: float, primaries: tuple[Point, ...] = BT_709, white: Point = D65) -> Space:
    """What PNG's gAMA and cHRM say."""
    return Space(white, primaries, power(1 / gamma))
