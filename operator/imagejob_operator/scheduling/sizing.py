"""Estimate the memory of an ImageJob, so that small images don't reserve as much as large ones."""

from __future__ import annotations

from imagejob_operator.api.imagejob import ImageJob, Output
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform, Size
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.imagejob.resolve import Resolved

DECODED_BYTES = 12
"""Per pixel of the source: decoded, oriented and colour-converted, 4 bytes each."""

ENCODED_BYTES = 12
"""Per pixel of an output while it is encoded."""

AVIF_BYTES = 50
"""Per pixel of an output while it is encoded as AVIF: measured, 30 to 50."""

FIXED_BYTES = 64 * 1024 * 1024
"""Libraries, the source file, buffers."""


def size_of(job: ImageJob, resolved: Resolved, platform: Platform) -> Size:
    """Return the smallest sufficient size; large only if an attempt has run out of memory.

    The limits bound the source's pixels; after a first attempt, the status has their number.
    """
    if _had_too_little(job):
        return "large"
    needed = bytes_needed(resolved.item, _known_pixels(job))
    return "small" if needed <= platform.small_memory.child_bytes else "standard"


def _had_too_little(job: ImageJob) -> bool:
    """Whether any attempt ran out of memory, even if a later, larger one failed otherwise."""
    failure, history = job.status.last_failure, job.status.audit
    reasons = [failure.reason if failure else "", *(entry.reason for entry in history)]
    return Reason.OUT_OF_MEMORY in reasons


def bytes_needed(item: OrderItem, known_pixels: int | None) -> int:
    """Return an upper bound that holds before the source is read."""
    pixels = known_pixels or item.limits.max_pixels
    outputs = (_output_bytes(output, pixels) for output in item.outputs)
    return FIXED_BYTES + pixels * DECODED_BYTES + max(outputs)


def _output_bytes(output: Output, source_pixels: int) -> int:
    """An output with width or height unset is at most as large as the source, unless enlarged."""
    pixels = source_pixels
    if output.width and output.height:
        pixels = output.width * output.height
        if not output.enlarge and output.fit != "contain":
            pixels = min(pixels, source_pixels)
    elif output.enlarge:
        side = output.width or output.height or 0
        pixels = max(source_pixels, side * side)
    return pixels * (AVIF_BYTES if output.format == "avif" else ENCODED_BYTES)


def _known_pixels(job: ImageJob) -> int | None:
    source = job.status.source
    if not source or not source.width or not source.height:
        return None
    return source.width * source.height * (source.frames or 1)
