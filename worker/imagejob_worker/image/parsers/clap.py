"""HEIF's clean aperture: the part of a coded image that is the picture.

Encoders pad an image to whole blocks, and cut the padding off by this property.

Source: ISO/IEC 23008-12, 6.5.5; ISO/IEC 14496-12, 12.1.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.parsers.probe import corrupt

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.boxes import Reader

MAX_CUT = 64
"""More than this, which is a block, isn't padding. It is refused: the decoder would have to decode
more than the limits were checked for."""

SIGN = 1 << 31


def crop(reader: Reader, coded: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of the picture in a coded image of this size.

    Raises UnsupportedFormat where it is much smaller, CorruptImage where it isn't within.
    """
    sides = [_fraction(reader, signed=False) for _ in coded]
    offsets = [_fraction(reader, signed=True) for _ in coded]
    spans = [_span(*each) for each in zip(coded, sides, offsets, strict=True)]
    (left, right), (top, bottom) = spans
    if coded[0] - (right - left) > MAX_CUT or coded[1] - (bottom - top) > MAX_CUT:
        what = f"AVIF of {coded[0]} x {coded[1]} cut to {right - left} x {bottom - top}"
        raise ItemFailure("UnsupportedFormat", f"the source is {what}, which is not supported")
    return left, top, right, bottom


def _fraction(reader: Reader, *, signed: bool) -> tuple[int, int]:
    above, below = reader.integer(4), reader.integer(4)
    if below == 0:
        raise corrupt("the AVIF file's clean aperture is divided by 0")
    return (above - 2 * SIGN if signed and above >= SIGN else above), below


def _span(coded: int, side: tuple[int, int], offset: tuple[int, int]) -> tuple[int, int]:
    """From where to where, of which the middle is `offset` away from the coded image's.

    Half a pixel, which the standard doesn't allow, is rounded down.
    """
    length = side[0] // side[1]
    first = ((coded - length) * offset[1] + 2 * offset[0]) // (2 * offset[1])
    if length < 1 or first < 0 or first + length > coded:
        raise corrupt("the AVIF file's clean aperture is not within its image")
    return first, first + length
