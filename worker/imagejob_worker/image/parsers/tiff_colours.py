"""What a TIFF file says of its colours beside an ICC profile.

Source: TIFF 6.0, section 20 (RGB image colorimetry); EXIF 2.32, 4.6.5 (ColorSpace).
"""

from __future__ import annotations

from struct import error, unpack_from
from typing import TYPE_CHECKING

from imagejob_worker.image.parsers.exif import colour_space
from imagejob_worker.image.parsers.statements import D65, Broken, Measured, Point, Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_worker.image.parsers.exif import Entry
    from imagejob_worker.image.parsers.probe import Data

TRANSFER_FUNCTION, WHITE_POINT, PRIMARIES = 301, 318, 319


def statements(data: Data, order: str, tags: Mapping[int, Entry]) -> tuple[Statement | None, ...]:
    """What the first directory and its EXIF state, best first.

    A transfer function is a table of many sizes that no reader applies; it is only seen.
    """
    transfer = Broken() if TRANSFER_FUNCTION in tags else None
    return colour_space(data), transfer, _primaries(data, order, tags)


def _primaries(data: Data, order: str, tags: Mapping[int, Entry]) -> Statement | None:
    """Two rationals for white, six for red, green and blue."""
    if PRIMARIES not in tags:
        return None
    white = tags[WHITE_POINT].value if WHITE_POINT in tags else None
    try:
        points = _points(data, order, tags[PRIMARIES].value, 3)
        whites = _points(data, order, white, 1) if white is not None else [D65]
    except (error, ZeroDivisionError):
        return Broken()
    return Measured(None, (whites[0], points[0], points[1], points[2]))


def _points(data: Data, order: str, at: int, count: int) -> list[Point]:
    parts = unpack_from(f"{order}{4 * count}I", data, at)
    values = [above / below for above, below in zip(parts[0::2], parts[1::2], strict=True)]
    return list(zip(values[0::2], values[1::2], strict=True))
