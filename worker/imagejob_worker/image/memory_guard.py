"""Whether the process has the memory that a codec needs.

Encoders report a lack of memory badly: libjpeg calls it a broken data stream, and libaom sometimes
crashes. `check_memory` keeps them from that. Should its figures be too small, AVIF encoding still
doesn't start without enough memory, and an encoder that fails while memory is short, for no other
known reason, counts as out of memory.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_worker.contract.facts import MadeFormat


@contextmanager
def memory_guard(free: int | None, name: MadeFormat, needed: int) -> Iterator[None]:
    """Encode inside this context, with so many bytes of address space left (None: no limit).

    Raises MemoryError if that is too little for what the encoder needs.
    """
    short = free is not None and free < needed
    if short and name == "avif":
        raise MemoryError
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if short and not getattr(error, "errno", None):
            raise MemoryError from error
        raise
