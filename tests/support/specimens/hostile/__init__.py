"""Files made to crash, fill, hang or fool their readers."""

from __future__ import annotations

from . import avifs, flips, gifs, jpeg_metadata, jpegs, misnamed, pngs, tiffs, webps
from .case import MAX_BYTES, MAX_FRAMES, MAX_PIXELS, SAFE, Hostile

__all__ = ["MAX_BYTES", "MAX_FRAMES", "MAX_PIXELS", "SAFE", "Hostile", "corpus", "unlisted"]

unlisted = misnamed.unlisted


def corpus() -> list[Hostile]:
    """All of them, in a fixed order, each with its own name."""
    families = (misnamed, jpegs, jpeg_metadata, pngs, gifs, tiffs, webps, avifs, flips)
    return [case for family in families for case in family.cases()]
