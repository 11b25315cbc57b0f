"""Whether the process has the memory that a codec needs.

Encoders report a lack of memory badly: libjpeg calls it a broken data stream, and libaom sometimes
crashes. So AVIF encoding doesn't start without enough memory, and an encoder that fails while
memory is short, for no other known reason, counts as out of memory.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.contract.facts import MadeFormat

NEEDS: dict[MadeFormat, int] = {"jpeg": 12, "png": 7, "webp": 41, "avif": 32}
"""Bytes a pixel beside the image itself, at most: the least address space with which saving noise
of 2.6 megapixels worked, at any of our settings but the one below."""

AVIF_FULL_CHROMA = 52
FIXED = 16 * 1024 * 1024


@contextmanager
def memory_guard(
    free: int | None, name: MadeFormat, pixels: int, *, full_chroma: bool
) -> Iterator[None]:
    """Encode inside this context, with so many bytes of address space left (None: no limit).

    Raises MemoryError if that is too little.
    """
    each = AVIF_FULL_CHROMA if name == "avif" and full_chroma else NEEDS[name]
    short = free is not None and free < FIXED + each * pixels
    if short and name == "avif":
        raise MemoryError
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if short and not getattr(error, "errno", None):
            raise MemoryError from error
        raise
