"""Admission times of a namespace's ImageJobs, kept in less detail as they age.

An admission is recorded at the end of the 8 ms slot that it falls into. As it ages, that end is
rounded up to multiples of ever larger powers of two. Powers of two nest: rounding twice equals
rounding once to the coarser of the two, so a slot that was rounded a hundred times has drifted by
less than one width. A history of a week therefore has at most about 2,600 slots, and nothing in it
depends on the current limits, which may change at any time.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate

import msgspec

FINEST = 8
"""Milliseconds: the width of the newest slots. Every window is a multiple of it."""

DETAIL = 128
"""An admission of age A is kept with a precision of A / DETAIL.

rates.Rate shows that this suffices.
"""

LONGEST_WINDOW = 7 * 24 * 3_600_000
"""Milliseconds: the longest window that the CRD allows."""

KEPT = LONGEST_WINDOW * 121 // 120
"""Milliseconds: older admissions count for no window.

They are merged, not dropped, as clocks may be set back.
"""


class HistoryError(ValueError):
    """Text that is not a history."""


class History(msgspec.Struct, frozen=True, dict=True):
    """Admissions as (end of the slot in ms since the epoch, count), newest first.

    Ends are multiples of FINEST and strictly decrease; counts are at least 1.
    """

    slots: tuple[tuple[int, int], ...] = ()

    def add(self, at: int, count: int) -> History:
        """Add `count` admissions in the millisecond that begins at `at`."""
        return History(_gathered([(_end(at), count), *self.slots]))

    def clamped(self, now: int) -> History:
        """Move slots that end after `now` to `now`."""
        latest = _end(now)
        if not self.slots or self.slots[0][0] <= latest:
            return self
        return History(_gathered((min(end, latest), count) for end, count in self.slots))

    def compacted(self, now: int) -> History:
        """Reduce the detail to what is needed at `now`. Counts are kept; ends only ever move later.

        Slots older than KEPT become one, at the newest of their ends. If they were dropped, a clock
        that jumps ahead and is set back would open windows that are full.
        """
        slots = _gathered((_up(end, grid(now - end)), count) for end, count in self.slots)
        recent = [slot for slot in slots if slot[0] >= now - KEPT]
        old = slots[len(recent) :]
        if len(old) > 1:
            return History((*recent, (old[0][0], sum(count for _, count in old))))
        return History(slots)

    def count_after(self, time: int) -> int:
        """Count admissions in slots that end after `time`."""
        return self._sums[-1] - self._sums[bisect_right(self.ends, time)]

    def end_of_newest(self, count: int) -> int:
        """Return the end of the slot with the `count`-th newest admission, which must exist."""
        return self.ends[bisect_right(self._sums, self._sums[-1] - count) - 1]

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The ends of the slots, oldest first."""
        return tuple(end for end, _ in reversed(self.slots))

    @cached_property
    def _sums(self) -> tuple[int, ...]:
        """The admissions in the n oldest slots, for n = 0, 1, …"""
        return tuple(accumulate((count for _, count in reversed(self.slots)), initial=0))

    def encode(self, now: int) -> str:
        """Encode, compacted, as text that decode() reads with the same `now`.

        Base64 of variable-length integers. Each slot, newest first, is its count, doubled; plus 1
        if its distance from the newer slot, in widths of that one, is not 1 and follows.
        """
        data, newer = bytearray(), _end(now)
        for end, count in self.clamped(now).compacted(now).slots:
            distance = (newer - end) // grid(now - newer)
            data += _varint(count << 1 | (distance != 1))
            if distance != 1:
                data += _varint(distance)
            newer = end
        return base64.b64encode(data).decode()


def of(moments: Iterable[int]) -> History:
    """Build a history with one admission in the millisecond that begins at each of `moments`, in
    any order."""
    return History(_gathered((_end(at), 1) for at in moments))


def decode(text: str, now: int) -> History:
    """Decode a history. Raises HistoryError."""
    try:
        numbers = _varints(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise HistoryError(str(error)) from error
    slots: list[tuple[int, int]] = []
    end = _end(now)
    for number in numbers:
        distance = next(numbers, -1) if number & 1 else 1
        count = number >> 1
        end -= distance * grid(now - end)
        if count < 1:
            raise HistoryError(f"slot {len(slots)} counts no admission")
        if distance < bool(slots) or end < 0:
            raise HistoryError(f"slot {len(slots)} ends at {end} ms, out of order or before 1970")
        slots.append((end, count))
    return History(tuple(slots))


def power_of_two(at_most: int) -> int:
    """Return the largest power of two up to `at_most`, which is at least 1."""
    return 1 << at_most.bit_length() - 1


def grid(age: int) -> int:
    """Return the width, in ms, of slots whose end is `age` ms ago."""
    return power_of_two(max(FINEST, min(age, KEPT) // DETAIL))


def _end(at: int) -> int:
    """Return the end of the finest slot that contains the millisecond at `at`."""
    return at // FINEST * FINEST + FINEST


def _up(time: int, width: int) -> int:
    return -(-time // width) * width


def _gathered(slots: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Merge slots with the same end, newest first."""
    counts: dict[int, int] = {}
    for end, count in slots:
        counts[end] = counts.get(end, 0) + count
    return tuple(sorted(counts.items(), reverse=True))


def _varint(number: int) -> bytes:
    """Encode seven bits a byte, the lowest first; every byte but the last has the eighth bit
    set."""
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _varints(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise HistoryError("the text ends within a number")
