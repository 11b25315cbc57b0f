"""The expected colours: sRGB, by matrix arithmetic from the primaries' definitions."""

from __future__ import annotations

from collections.abc import Sequence

from .icc import ADOBE_GAMMA, D50_XYZ, SRGB, Chromaticities, apply, from_d50, invert, rgb_to_xyz

Rgb = tuple[int, int, int]


def encoded(linear: float) -> int:
    """sRGB's transfer function (IEC 61966-2-1), to 8 bits, clipped to the gamut."""
    value = min(max(linear, 0.0), 1.0)
    return round(
        255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055)
    )


def linear(value: int) -> float:
    part = value / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def from_xyz(xyz: Sequence[float]) -> Rgb:
    """From XYZ relative to D65."""
    red, green, blue = apply(invert(rgb_to_xyz(SRGB)), xyz)
    return encoded(red), encoded(green), encoded(blue)


def _from_primaries(primaries: Chromaticities, linear_rgb: Sequence[float]) -> Rgb:
    return from_xyz(apply(rgb_to_xyz(primaries), linear_rgb))


def from_p3(primaries: Chromaticities, colour: Rgb) -> Rgb:
    """From an RGB space with sRGB's curve, such as Display P3."""
    return _from_primaries(primaries, [linear(value) for value in colour])


def from_gamma(primaries: Chromaticities, colour: Rgb, gamma: float = ADOBE_GAMMA) -> Rgb:
    return _from_primaries(primaries, [(value / 255) ** gamma for value in colour])


def from_lab(lab: Sequence[float]) -> Rgb:
    """From CIE L*a*b* relative to D50."""
    middle = (lab[0] + 16) / 116

    def cube(value: float) -> float:
        return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)

    parts = (middle + lab[1] / 500, middle, middle - lab[2] / 200)
    return from_xyz(
        apply(from_d50(), [cube(part) * white for part, white in zip(parts, D50_XYZ, strict=True)])
    )
