"""Steps: reject what is too large or can't be shown rightly, before a decoder allocates memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.plan import decoded_size
from imagejob_worker.image.steps.choose_format import MAX_SIDES, too_long

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Limits
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.parsers.probe import Probe
    from imagejob_worker.image.plan import OutputPlan

MAX_SIDE: Final = 65_535
"""JPEG's own limit, and about the most that any decoder here takes."""

MAX_OUTPUT_PIXELS: Final = 50_000_000
"""Of one output, with all its frames; more only if a source may have more."""


def check_source(context: SourceContext) -> None:
    """Raises UnsupportedFormat, CorruptImage or TooLarge, whatever the outputs are."""
    probe = context.probe
    if probe.hdr:
        # Shown as if it were sRGB it would look grey and dull: better no output.
        raise ItemFailure(
            "UnsupportedFormat",
            f"the source is high dynamic range ({probe.hdr}), which is not supported",
        )
    width, height = probe.displayed
    if not width or not height:
        raise ItemFailure("CorruptImage", f"the header says {probe.width} x {probe.height} pixels")
    if max(width, height) > MAX_SIDE:
        raise ItemFailure("TooLarge", f"{width} x {height}: the limit of a side is {MAX_SIDE:,}")


def check_limits(context: SourceContext) -> None:
    """Raises TooLarge for what is to be decoded or encoded; the message names the limit."""
    limits = context.item.limits
    _check_decoded(context.probe, context.draft_scale, context.frames, limits)
    for plan in context.plans:
        _check_output(plan, context.probe.frames, limits)


def _check_decoded(probe: Probe, scale: int, frames: int, limits: Limits) -> None:
    """Check frames to decode, then pixels to decode: width x height x frames."""
    if frames > limits.max_frames and frames > 1:
        raise ItemFailure("TooLarge", f"{frames:,} frames; the limit is {limits.max_frames:,}")
    width, height = probe.displayed
    across, down = decoded_size((width, height), scale)
    outside = sum(max(0, patch.pixels - width * height) for patch in probe.patches[:frames])
    pixels = across * down * frames + outside
    if pixels > limits.max_pixels:
        times = f" x {frames} frames" if frames > 1 else ""
        if outside:
            times += f" and {outside:,} outside"
        reduced = f", decoded at 1/{scale}," if scale > 1 else ""
        raise ItemFailure(
            "TooLarge",
            f"{width} x {height}{times}{reduced} is {pixels:,} pixels;"
            f" the limit is {limits.max_pixels:,}",
        )


def _check_output(plan: OutputPlan, frames: int, limits: Limits) -> None:
    """What no format holds is known before any work, and so is what takes too much of it."""
    name, (width, height) = plan.output.format, plan.placement.canvas
    longest = max(MAX_SIDES.values()) if name == "auto" else MAX_SIDES[name]
    if max(width, height) > longest:
        what = "any format" if name == "auto" else name
        raise too_long(plan.output.name, (width, height), what, longest)
    pixels = width * height * (frames if plan.animated else 1)
    most = max(MAX_OUTPUT_PIXELS, limits.max_pixels)
    if pixels > most:
        times = f" x {frames} frames" if plan.animated else ""
        raise ItemFailure(
            "TooLarge",
            f"output {plan.output.name}: {width} x {height}{times} is {pixels:,} pixels;"
            f" the limit is {most:,}",
        )
