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

COSTLY_BYTES = {"webp": 45, "avif": 50}
"""The same, for formats that take more: measured, with the image itself."""

FIXED_BYTES = 64 * 1024 * 1024
"""Libraries, the source file, buffers."""


def size_of(job: ImageJob, resolved: Resolved, platform: Platform) -> Size:
    """Return the smallest sufficient size; large only if an attempt had too little memory.

    The limits bound the pixels that are decoded; after a first attempt, the status has the source's
    number. A worker that has seen the header knows better, and so does the status then.
    """
    if _had_too_little(job):
        return "large"
    if job.status.memory_bytes:
        return platform.size_for(job.status.memory_bytes) or "large"
    needed = bytes_needed(resolved.item, _known_pixels(job))
    return "small" if needed <= platform.small_memory.child_bytes else "standard"


def _had_too_little(job: ImageJob) -> bool:
    """Whether any attempt ran out of memory, even if a later, larger one failed otherwise."""
    failure, history = job.status.last_failure, job.status.audit
    reasons = [failure.reason if failure else "", *(entry.reason for entry in history)]
    return Reason.OUT_OF_MEMORY in reasons


def bytes_needed(item: OrderItem, known_pixels: int | None) -> int:
    """Return what nearly every source takes at most, before it is read; the rest ask for more."""
    pixels = min(known_pixels or item.limits.max_pixels, item.limits.max_pixels)
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
    return pixels * COSTLY_BYTES.get(output.format, ENCODED_BYTES)


def _known_pixels(job: ImageJob) -> int | None:
    source = job.status.source
    if not source or not source.width or not source.height:
        return None
    return source.width * source.height * (source.frames or 1)
