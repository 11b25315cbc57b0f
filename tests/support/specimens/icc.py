"""ICC profiles made from their definition (ICC.1:2010), each with a mark in its description."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from .marks import mark

Matrix = list[list[float]]
Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

D65 = (0.3127, 0.3290)
D50_XYZ = (0.9642, 1.0, 0.8249)
SRGB: Chromaticities = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
DISPLAY_P3: Chromaticities = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB: Chromaticities = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
ADOBE_GAMMA = 563 / 256

_BRADFORD: Matrix = [
    [0.8951, 0.2664, -0.1614],
    [-0.7502, 1.7135, 0.0367],
    [0.0389, -0.0685, 1.0296],
]


def multiply(left: Matrix, right: Matrix) -> Matrix:
    return [
        [
            sum(a * b for a, b in zip(row, column, strict=True))
            for column in zip(*right, strict=True)
        ]
        for row in left
    ]


def apply(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def invert(m: Matrix) -> Matrix:
    """The inverse of a 3 by 3 matrix, by cofactors."""
    (a, b, c), (d, e, f), (g, h, i) = m
    cofactors = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    return [[x / determinant for x in row] for row in cofactors]


def white_xyz(xy: tuple[float, float] = D65) -> list[float]:
    return [xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]]


def rgb_to_xyz(primaries: Chromaticities) -> Matrix:
    """Linear RGB to XYZ relative to D65 (SMPTE RP 177)."""
    columns = [[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]
    matrix = [list(row) for row in zip(*columns, strict=True)]
    scale = apply(invert(matrix), white_xyz())
    return [[value * s for value, s in zip(row, scale, strict=True)] for row in matrix]


def to_d50() -> Matrix:
    """Bradford's adaptation from D65 to the D50 of the profile connection space."""
    source, target = apply(_BRADFORD, white_xyz()), apply(_BRADFORD, D50_XYZ)
    scale = [[target[i] / source[i] if i == j else 0.0 for j in range(3)] for i in range(3)]
    return multiply(invert(_BRADFORD), multiply(scale, _BRADFORD))


def from_d50() -> Matrix:
    return invert(to_d50())


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(value: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, value))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _parametric(parameters: Sequence[float]) -> bytes:
    return b"para\0\0\0\0\0\x03\0\0" + b"".join(map(_fixed, parameters))


def _text(text: bytes) -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + b"\0" * 78


def profile(space: bytes, pcs: bytes, tags: dict[bytes, bytes], name: str) -> bytes:
    """A profile of version 2.4, marked in its description and its copyright."""
    tags = {
        b"desc": _text(mark(name)),
        b"cprt": b"text\0\0\0\0" + mark(f"{name}-copyright") + b"\0",
        **tags,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for signature, data in tags.items():
        table += signature + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    device_class = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x02400000, device_class, space, pcs
    )
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += b"".join(map(_fixed, D50_XYZ))
    return header.ljust(128, b"\0") + table + body


def rgb_profile(
    primaries: Chromaticities, curve: bytes, more: dict[bytes, bytes] | None = None
) -> bytes:
    columns = list(zip(*multiply(to_d50(), rgb_to_xyz(primaries)), strict=True))
    tags = {b"wtpt": _xyz(D50_XYZ), **(more or {})}
    for letter, column in zip("rgb", columns, strict=True):
        tags[f"{letter}XYZ".encode()] = _xyz(column)
        tags[f"{letter}TRC".encode()] = curve
    return profile(b"RGB ", b"XYZ ", tags, "icc")


def display_p3() -> bytes:
    return rgb_profile(DISPLAY_P3, _parametric(SRGB_CURVE))


def large() -> bytes:
    """Display P3 with a private tag that no single JPEG segment could hold."""
    private = b"data\0\0\0\0\0\0\0\1" + bytes(range(256)) * 600
    return rgb_profile(DISPLAY_P3, _parametric(SRGB_CURVE), {b"huge": private})


def adobe_rgb() -> bytes:
    return rgb_profile(ADOBE_RGB, _gamma(ADOBE_GAMMA))


def grey(gamma: float = 1.8) -> bytes:
    return profile(b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50_XYZ), b"kTRC": _gamma(gamma)}, "icc")


def cmyk(
    corners: dict[tuple[int, int, int, int], tuple[float, float, float]],
    more: dict[bytes, bytes] | None = None,
) -> bytes:
    """A press whose 16 corners (each ink 0 or 1) have these Lab values; lcms interpolates."""
    head = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2)
    identity = b"".join(_fixed(float(i == j)) for i in range(3) for j in range(3))
    ramp = bytes(range(256))
    table = bytearray()
    for index in range(16):
        ink = (index >> 3 & 1, index >> 2 & 1, index >> 1 & 1, index & 1)
        lightness, a, b = corners[ink]
        table += bytes((round(lightness * 2.55), round(a + 128), round(b + 128)))
    lut = head + identity + ramp * 4 + bytes(table) + ramp * 3
    tags = {b"wtpt": _xyz(D50_XYZ), b"A2B0": lut, **(more or {})}
    return profile(b"CMYK", b"Lab ", tags, "icc")
