"""Step: reject what is too large or can't be shown rightly, before a decoder allocates memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Limits
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.parsers.probe import Probe

MAX_SIDE = 65_535
"""JPEG's own limit, and about the most that any decoder here takes."""


def check_limits(context: SourceContext) -> None:
    """Raises UnsupportedFormat, CorruptImage or TooLarge; the message names the limit."""
    _check_dynamic_range(context.probe)
    _check_not_empty(context.probe)
    _check_size(context.probe, context.item.limits, context.frames)


def _check_dynamic_range(probe: Probe) -> None:
    """High dynamic range shown as if it were sRGB looks grey and dull: better no output."""
    if probe.hdr:
        raise ItemFailure(
            "UnsupportedFormat", f"the source is high dynamic range ({probe.hdr}), not supported"
        )


def _check_not_empty(probe: Probe) -> None:
    """An image has at least one pixel."""
    if not probe.width or not probe.height:
        raise ItemFailure("CorruptImage", f"the header says {probe.width} x {probe.height} pixels")


def _check_size(probe: Probe, limits: Limits, frames: int) -> None:
    """Check sides, then frames to decode, then pixels to decode: width x height x frames."""
    width, height = probe.displayed
    if max(width, height) > MAX_SIDE:
        raise ItemFailure("TooLarge", f"{width} x {height}: the limit of a side is {MAX_SIDE:,}")
    if frames > limits.max_frames and frames > 1:
        raise ItemFailure("TooLarge", f"{frames:,} frames; the limit is {limits.max_frames:,}")
    outside = sum(max(0, patch.pixels - width * height) for patch in probe.patches[:frames])
    pixels = width * height * frames + outside
    if pixels > limits.max_pixels:
        times = f" x {frames} frames" if frames > 1 else ""
        if outside:
            times += f" and {outside:,} outside"
        raise ItemFailure(
            "TooLarge",
            f"{width} x {height}{times} is {pixels:,} pixels; the limit is {limits.max_pixels:,}",
        )
