"""The chunks of a PNG that say which colours its samples mean.

Source: W3C Portable Network Graphics, third edition: 4.3 (their precedence), 11.3.2 (the chunks).
"""

from __future__ import annotations

import zlib
from struct import unpack_from
from typing import TYPE_CHECKING, Final

from imagejob_worker.image.parsers.probe import MAX_ICC_BYTES, PQ_AND_HLG
from imagejob_worker.image.parsers.statements import (
    Broken,
    CodePoints,
    Icc,
    Measured,
    Point,
    Srgb,
    Statement,
)

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Data

CHUNKS: Final = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
LENGTHS: Final = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
UNIT: Final = 100_000  # gAMA and cHRM count in parts of it


class Colours:
    """The first chunk of each kind that stands before the pixels; later ones count for nothing."""

    def __init__(self) -> None:
        self._found: dict[bytes, bytes | None] = {}

    def chunk(self, data: Data, name: bytes, at: int, length: int, *, late: bool) -> None:
        """Record the chunk whose length field is at `at`; None for one that is broken."""
        if name in self._found:
            return
        wrong = late or LENGTHS.get(name, length) != length
        self._found[name] = None if wrong else _checked(data, name, at, length)

    @property
    def hdr(self) -> str | None:
        """PQ or HLG if cICP says so."""
        coded = self._found.get(b"cICP")
        return PQ_AND_HLG.get(coded[1]) if coded is not None else None

    def statements(self) -> list[Statement]:
        """What the chunks state, in their order of precedence."""
        found, stated = self._found, list[Statement]()
        if b"cICP" in found:
            stated.append(_coded(found[b"cICP"]))
        if b"iCCP" in found:
            stated.append(Icc(_profile(found[b"iCCP"])))
        if b"sRGB" in found:
            stated.append(Broken() if found[b"sRGB"] is None else Srgb())
        if b"gAMA" in found or b"cHRM" in found:
            stated.append(_measured(found.get(b"gAMA", b""), found.get(b"cHRM", b"")))
        return stated


def _checked(data: Data, name: bytes, at: int, length: int) -> bytes | None:
    """A chunk's data; None if its checksum is wrong. Of a large one, more than any honest has."""
    if length > 2 * MAX_ICC_BYTES:
        return None
    payload = bytes(data[at + 8 : at + 8 + length])
    (checksum,) = unpack_from(">I", data, at + 8 + length)
    return payload if zlib.crc32(name + payload) == checksum else None


def _coded(payload: bytes | None) -> Statement:
    """RGB in full range is all that samples of a PNG are: browsers take nothing else."""
    if payload is None or payload[2:] != b"\0\1":
        return Broken()
    return CodePoints(payload[0], payload[1], defaults=False)


def _profile(chunk: bytes | None) -> bytes | None:
    """Inflate an iCCP chunk: a name, a zero, a method, and a zlib stream that may be a bomb."""
    _, _, rest = (chunk or b"").partition(b"\0")
    try:
        return zlib.decompressobj().decompress(rest[1:], MAX_ICC_BYTES + 1)
    except zlib.error:
        return None


def _measured(gamma: bytes | None, points: bytes | None) -> Statement:
    if gamma is None or points is None:
        return Broken()
    return Measured(_gamma(gamma), _points(points))


def _gamma(payload: bytes) -> float | None:
    return unpack_from(">I", payload)[0] / UNIT if payload else None


def _points(payload: bytes) -> tuple[Point, Point, Point, Point] | None:
    if not payload:
        return None
    parts = [part / UNIT for part in unpack_from(">8I", payload)]
    white, red, green, blue = zip(parts[0::2], parts[1::2], strict=True)
    return white, red, green, blue
