"""Step: refuse what is too large or can't be shown rightly, before a decoder allocates anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Limits
    from imagejob_worker.image.parsers.probe import Survey

MAX_SIDE = 65_535
"""JPEG's own limit, and about the most that any decoder here takes."""


def hdr(survey: Survey) -> None:
    """High dynamic range shown as if it were sRGB looks grey and dull: better no picture."""
    if survey.hdr:
        raise ItemFailure(
            "UnsupportedFormat", f"the source is high dynamic range ({survey.hdr}), not supported"
        )


def empty(survey: Survey) -> None:
    """A picture has at least one pixel."""
    if not survey.width or not survey.height:
        raise ItemFailure(
            "CorruptImage", f"the header says {survey.width} x {survey.height} pixels"
        )


def oversize(survey: Survey, limits: Limits, frames: int) -> None:
    """Sides, then frames to decode, then pixels to decode: width x height x frames."""
    width, height = survey.displayed
    if max(width, height) > MAX_SIDE:
        raise ItemFailure("TooLarge", f"{width} x {height}: the limit of a side is {MAX_SIDE:,}")
    if frames > limits.max_frames and frames > 1:
        raise ItemFailure("TooLarge", f"{frames:,} frames; the limit is {limits.max_frames:,}")
    pixels = width * height * frames
    if pixels > limits.max_pixels:
        times = f" x {frames} frames" if frames > 1 else ""
        raise ItemFailure(
            "TooLarge",
            f"{width} x {height}{times} is {pixels:,} pixels; the limit is {limits.max_pixels:,}",
        )
