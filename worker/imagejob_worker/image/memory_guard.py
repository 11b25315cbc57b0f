"""Whether the process has the memory that an encoder needs.

Encoders are bad at saying that it lacks some: libjpeg calls it a broken data stream, and libaom
crashes at times. So AVIF isn't begun without room, and what fails for no other known reason while
there is little room has failed for want of it.
"""

from __future__ import annotations

import resource
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
def room(name: MadeFormat, pixels: int, *, full_chroma: bool) -> Iterator[None]:
    """Encode within this. Raises MemoryError where there is too little memory."""
    each = AVIF_FULL_CHROMA if name == "avif" and full_chroma else NEEDS[name]
    free = left()
    short = free is not None and free < FIXED + each * pixels
    if short and name == "avif":
        raise MemoryError
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if short and not getattr(error, "errno", None):
            raise MemoryError from error
        raise


def left() -> int | None:
    """Bytes of address space that this process may still take; None: any number."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return None
    with open("/proc/self/statm", "rb") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    return max(0, most - taken)
