"""Step: keep an output within its `maxBytes` by lowering quality, in at most six encodes."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.failures import ItemFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_worker.contract.facts import MadeFormat

MAX_ENCODES = 6
CLOSE_ENOUGH = 0.95
"""Of the limit: a better fit would not be seen, and costs another encode."""

LOWEST: dict[MadeFormat, int] = {"jpeg": 20, "webp": 10, "avif": 15, "png": 100}
"""Below these a photograph falls into blocks; the output fails rather than look like that."""


class Fitted(msgspec.Struct, frozen=True):
    """The quality that was kept and its length in bytes."""

    quality: int
    bytes: int


def fit(name: str, limit: int, start: int, lowest: int, encode: Callable[[int], int]) -> Fitted:
    """Search the highest quality within `limit` bytes. Raises TooLarge if there is none, naming the
    output and the smallest length reached."""
    found = search(limit, start, lowest, encode)
    if found.bytes > limit:
        raise too_large(name, found.bytes, limit)
    return found


def search(
    limit: int,
    start: int,
    lowest: int,
    encode: Callable[[int], int],
    close_enough: float = CLOSE_ENOUGH,
) -> Fitted:
    """The highest quality found, from `start` down to `lowest`, that stays within `limit` bytes; if
    none does, the one that came to the fewest.

    `encode(quality)` returns the length it came to. The lowest quality is tried second: it tells at
    once whether there is a solution, and bounds the search from below. Between the bounds the
    logarithm of the length is close to linear in quality, which is where the next try is put. So
    the last try within the limit is the best.
    """
    high, high_bytes = start, encode(start)
    if high_bytes <= limit:
        return Fitted(start, high_bytes)
    lowest = min(lowest, start)
    best = Fitted(lowest, encode(lowest) if lowest < start else high_bytes)
    if best.bytes > limit:
        return best if best.bytes <= high_bytes else Fitted(start, high_bytes)
    for _ in range(MAX_ENCODES - 2):
        if high - best.quality <= 1 or best.bytes >= close_enough * limit:
            break
        quality = _between(best, high, high_bytes, limit)
        length = encode(quality)
        if length <= limit:
            best = Fitted(quality, length)
        else:
            high, high_bytes = quality, length
    return best


def _between(low: Fitted, high: int, high_bytes: int, limit: int) -> int:
    """A quality strictly between the two, where the length should come out just below the limit."""
    rise = log(max(high_bytes, low.bytes + 1) / low.bytes)
    share = log(0.98 * limit / low.bytes) / rise
    guess = low.quality + int(share * (high - low.quality))
    return max(low.quality + 1, min(high - 1, guess))


def too_large(name: str, smallest: int, limit: int) -> ItemFailure:
    """The failure of an output that no sensible quality brings below its limit."""
    return ItemFailure(
        "TooLarge", f"output {name} takes at least {smallest:,} bytes; its limit is {limit:,}"
    )
