"""An ICC profile made of a colour space, for sources that state one otherwise. Pure.

Source: ICC.1:2022 (profile version 4.4): 7.2 (header), 7.3 (tag table), 8.4.3 and 8.4.4 (which tags
a display's profile has, with three components or grey), 9.2 (the tags), 10 (their types: curves are
parametricCurveType, texts multiLocalizedUnicodeType), annex E (chromatic adaptation by Bradford).
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.colours.spaces import Curve, Points, Space
    from imagejob_worker.image.parsers.statements import Point

Vector: TypeAlias = tuple[float, ...]
Matrix: TypeAlias = tuple[Vector, ...]

D50: Final[Vector] = (0.9642, 1.0, 0.8249)  # 7.2.16: of the profile connection space
BRADFORD: Final[Matrix] = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
VERSION: Final = 0x04400000
HEADER_BYTES: Final = 128


def made_profile(space: Space, samples: str) -> bytes:
    """Return a profile for samples of this space, RGB or GRAY; of grey, its curve says it all."""
    adaptation = _adaptation(_xyz(space.points[0]))
    tags = {
        b"desc": _text("made of the source's own description"),
        b"cprt": _text("CC0"),
        b"wtpt": _xyz_type(D50),
        b"chad": b"sf32" + bytes(4) + _fixed([part for row in adaptation for part in row]),
    }
    curve = _curve(space.curve)
    if samples == "GRAY":
        return _assembled(b"GRAY", tags | {b"kTRC": curve})
    columns = _columns(_product(adaptation, _rgb_to_xyz(space.points)))
    for name, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags |= {name + b"XYZ": _xyz_type(column), name + b"TRC": curve}
    return _assembled(b"RGB ", tags)


def _assembled(samples: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Header, table and data; equal data is there once (7.3.1)."""
    body, table, places = b"", b"", dict[bytes, int]()
    start = HEADER_BYTES + 4 + 12 * len(tags)
    for tag, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += tag + pack(">II", places[data], len(data))
    head = pack(">I4xI4s4s4s12x4s", start + len(body), VERSION, b"mntr", samples, b"XYZ ", b"acsp")
    header = (head + bytes(28) + _fixed(D50)).ljust(HEADER_BYTES, b"\0")
    return header + pack(">I", len(tags)) + table + body


def _text(text: str) -> bytes:
    encoded = b"".join(pack(">H", ord(letter)) for letter in text)  # codecs are loaded late
    return pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(encoded), 28) + encoded


def _curve(curve: Curve) -> bytes:
    """Function 3: (ax + b)^g from d on, cx below; function 0: x^g."""
    if (curve.a, curve.b, curve.d) == (1.0, 0.0, 0.0):
        return b"para" + bytes(8) + _fixed([curve.g])
    parts = [curve.g, curve.a, curve.b, curve.c, curve.d]
    return b"para" + bytes(4) + pack(">H2x", 3) + _fixed(parts)


def _xyz_type(value: Vector) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(value)


def _fixed(parts: Sequence[float]) -> bytes:
    return pack(f">{len(parts)}i", *(round(part * 65536) for part in parts))


def _xyz(point: Point) -> Vector:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _rgb_to_xyz(points: Points) -> Matrix:
    """Scale the primaries so that together they make white (SMPTE RP 177)."""
    white, *primaries = points
    matrix = _columns(tuple((x, y, 1 - x - y) for x, y in primaries))
    scale = _applied(_inverse(matrix), _xyz(white))
    return tuple(tuple(part * by for part, by in zip(row, scale, strict=True)) for row in matrix)


def _adaptation(white: Vector) -> Matrix:
    """From colours relative to this white to those relative to D50."""
    source, target = _applied(BRADFORD, white), _applied(BRADFORD, D50)
    gains = tuple(to / of for of, to in zip(source, target, strict=True))
    scaled = tuple(
        tuple(part * gain for part in row) for row, gain in zip(BRADFORD, gains, strict=True)
    )
    return _product(_inverse(BRADFORD), scaled)


def _columns(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _applied(matrix: Matrix, vector: Vector) -> Vector:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _product(left: Matrix, right: Matrix) -> Matrix:
    return _columns(tuple(_applied(left, column) for column in _columns(right)))


def _inverse(m: Matrix) -> Matrix:
    """By cofactors."""
    (a, b, c), (d, e, f), (g, h, i) = m
    first = e * i - f * h, c * h - b * i, b * f - c * e
    second = f * g - d * i, a * i - c * g, c * d - a * f
    third = d * h - e * g, b * g - a * h, a * e - b * d
    determinant = a * first[0] + b * second[0] + c * third[0]
    return tuple(tuple(part / determinant for part in row) for row in (first, second, third))
