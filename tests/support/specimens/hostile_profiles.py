"""ICC profiles made to cost a reader time or memory, or to mislead it (ICC.1:2022)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from . import icc

ELEMENTS = 1500
"""littleCMS visits each of them for each of 35,937 nodes: seconds for a profile of 13 KiB."""


def every() -> Iterator[tuple[str, bytes]]:
    """Profiles for RGB, by what is wrong with them."""
    for tag in (b"D2B0", b"D2B1", b"D2B2", b"D2B3"):
        yield f"{tag.decode()} of many elements", display({tag: elements([curves(2)] * ELEMENTS)})
    yield "an element of many segments", display({b"D2B0": elements([curves(20_000)])})
    yield "many tags", display({struct.pack(">4s", b"x%03d" % at): b"x" * 8 for at in range(90)})
    yield "too many tags", display({b"x%03d" % at: b"x" * 8 for at in range(4000)})
    yield (
        "a table that claims to be huge",
        icc.profile(
            b"RGB ", b"Lab ", {b"wtpt": icc._xyz(icc.D50_XYZ), b"A2B0": table(255, b"")}, "icc"
        ),
    )
    yield (
        "a table of 4 MB",
        icc.profile(
            b"RGB ",
            b"Lab ",
            {b"wtpt": icc._xyz(icc.D50_XYZ), b"A2B0": table(110, b"\x55" * 3 * 110**3)},
            "icc",
        ),
    )
    long = b"curv\0\0\0\0" + struct.pack(">I", 32_767) + bytes(65_534)
    yield "long curves", icc.rgb_profile(icc.DISPLAY_P3, long)
    endless = b"curv\0\0\0\0" + b"\xff" * 4
    yield "curves of four billion entries", icc.rgb_profile(icc.DISPLAY_P3, endless)
    yield "a count of four billion tags", _with_count(display({}), 0xFFFFFFFF)
    steep = icc._parametric((32_767.0, 32_767.0, -32_768.0, 32_767.0, -32_768.0))
    yield "steep curves", icc.rgb_profile(icc.DISPLAY_P3, steep)


def display(more: dict[bytes, bytes]) -> bytes:
    """Display P3 with more tags."""
    return icc.rgb_profile(icc.DISPLAY_P3, icc._parametric(icc.SRGB_CURVE), more)


def elements(parts: Sequence[bytes]) -> bytes:
    """A multiProcessElementsType of these; equal ones are there once, and pointed to often."""
    at, places, body = 16 + 8 * len(parts), dict[bytes, int](), b""
    positions = b""
    for part in parts:
        if part not in places:
            places[part] = at + len(body)
            body += part + bytes(-len(part) % 4)
        positions += struct.pack(">II", places[part], len(part))
    return struct.pack(">4s4xHHI", b"mpet", 3, 3, len(parts)) + positions + body


def curves(segments: int) -> bytes:
    """A curve set element: three times the same curve, of so many segments that change nothing."""
    breaks = b"".join(struct.pack(">f", at / segments) for at in range(1, segments))
    line = struct.pack(">4s4xH2x4f", b"parf", 0, 1.0, 1.0, 0.0, 0.0)
    curve = struct.pack(">4s4xH2x", b"curf", segments) + breaks + line * segments
    positions = struct.pack(">II", 36, len(curve)) * 3
    return struct.pack(">4s4xHH", b"cvst", 3, 3) + positions + curve


def table(grid: int, contents: bytes) -> bytes:
    """A lut8Type of so many steps a side."""
    head = struct.pack(">4s4xBBBx", b"mft1", 3, 3, grid)
    identity = b"".join(icc._fixed(float(i == j)) for i in range(3) for j in range(3))
    ramp = bytes(range(256)) * 3
    return head + identity + ramp + contents + (ramp if contents else b"")


def _with_count(profile: bytes, count: int) -> bytes:
    return profile[:128] + struct.pack(">I", count) + profile[132:]
