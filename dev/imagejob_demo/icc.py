"""A Display P3 profile, made from the primaries that define it (ICC.1:2010, SMPTE EG 432-1).

ImageCms makes profiles of sRGB and Lab only, and other people's profiles are other people's files.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

Row = Sequence[float]

PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
WHITE = (0.3127, 0.3290)
"""D65, which the display shows as white."""
D50 = (0.9642, 1.0, 0.8249)
"""What a profile calls white, so that profiles of different whites can be compared."""
CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""sRGB's, as the parameters g a b c d of a parametric curve of type 3."""
BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def display_p3() -> bytes:
    """The profile, of version 2.4, as it goes into an image file."""
    tags = {
        b"desc": _description(b"Display P3 (made by imagejob-operator's demo)"),
        b"cprt": b"text\0\0\0\0Public domain\0",
        b"wtpt": _xyz(D50),
    }
    for letter, colorant in zip("rgb", colorants(), strict=True):
        tags[f"{letter}XYZ".encode()] = _xyz(colorant)
        tags[f"{letter}TRC".encode()] = b"para\0\0\0\0\0\3\0\0" + _fixed(CURVE)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for signature, data in tags.items():
        table += signature + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    head = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(D50)
    return head.ljust(128, b"\0") + table + body


def colorants() -> list[list[float]]:
    """XYZ of full red, green and blue, relative to D50 (SMPTE RP 177, then Bradford)."""
    white = _to_xyz(WHITE)
    corners = [_to_xyz(xy) for xy in PRIMARIES]
    shares = _solve(list(zip(*corners, strict=True)), white)
    native = [[share * part for part in xyz] for share, xyz in zip(shares, corners, strict=True)]
    here, there = _times(BRADFORD, white), _times(BRADFORD, D50)
    return [
        _solve(
            BRADFORD,
            [v * b / a for v, a, b in zip(_times(BRADFORD, xyz), here, there, strict=True)],
        )
        for xyz in native
    ]


def _to_xyz(xy: tuple[float, float]) -> list[float]:
    x, y = xy
    return [x / y, 1.0, (1 - x - y) / y]


def _times(matrix: Sequence[Row], vector: Row) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _solve(matrix: Sequence[Row], right: Row) -> list[float]:
    """The x of matrix · x = right, three by three, by Cramer's rule."""
    whole = _determinant(matrix)
    answer = []
    for column in range(3):
        swapped = [
            [right[i] if j == column else row[j] for j in range(3)] for i, row in enumerate(matrix)
        ]
        answer.append(_determinant(swapped) / whole)
    return answer


def _determinant(m: Sequence[Row]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _fixed(values: Row) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(value: Row) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(value)


def _description(text: bytes) -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)
