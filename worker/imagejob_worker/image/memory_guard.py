"""Whether the process has the memory that a codec needs.

Libraries report a lack of memory badly: littleCMS calls it a profile that it can't use, libjpeg a
broken data stream, and libaom sometimes crashes. `check_memory` keeps them from that. Should its
figures be too small, neither littleCMS nor AVIF encoding starts without enough memory, and an
encoder that fails while memory is short, for no other known reason, counts as out of memory.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.contract.facts import MadeFormat


def require(free: int | None, needed: int) -> None:
    """Raise MemoryError if fewer bytes of address space are left (None: no limit) than needed."""
    if _is_short(free, needed):
        raise MemoryError


@contextmanager
def memory_guard(free: int | None, name: MadeFormat, needed: int) -> Iterator[None]:
    """Encode inside this context, with so many bytes of address space left (None: no limit).

    Raises MemoryError if that is too little for what the encoder needs.
    """
    if name == "avif":
        require(free, needed)
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if _is_short(free, needed) and not getattr(error, "errno", None):
            raise MemoryError from error
        raise


def _is_short(free: int | None, needed: int) -> bool:
    return free is not None and free < needed
