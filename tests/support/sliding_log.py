"""An ideal sliding log: what a rate would allow if every admission were kept to the microsecond.

Written independently of the operator's own counting, to judge it by.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
Limits = Sequence[tuple[int, int]]
"""Jobs, and the length of the window in microseconds."""


def limits(texts: Iterable[str]) -> Limits:
    """`["50/1h"]` → `[(50, 3_600_000_000)]`."""
    parts = (text.split("/") for text in texts)
    return [(int(jobs), int(per[:-1]) * SECONDS[per[-1]] * 1_000_000) for jobs, per in parts]


class SlidingLog:
    """Every admission at its exact time, in µs on the log's clock, with its count."""

    def __init__(self, clock: int) -> None:
        self.clock = clock
        self.times: list[int] = []
        self.charges: Counter[str] = Counter()
        self.put_back_at: int | None = None

    def reads(self, now: int, rules: Limits) -> int:
        """What its clock will show: small steps back don't move it, large ones do."""
        tolerated = min(5_000_000, *(window for _, window in rules))
        return self.clock if self.clock - tolerated <= now <= self.clock else now

    def move(self, clock: int) -> None:
        """Set its clock. What would be in the future happened now."""
        if clock < self.clock:
            self.put_back_at = clock
            self.times = [min(time, clock) for time in self.times]
        self.clock = clock

    def admit(self, uids: Sequence[str]) -> None:
        self.times += [self.clock] * len(uids)
        self.charges.update(uids)

    def allows(self, clock: int, rules: Limits, *, late: bool = False) -> int:
        """How many may be admitted; `late`, if each counts for a 120th of its window too long."""
        seen = [min(time, clock) for time in self.times] if clock < self.clock else self.times
        return min(
            jobs - (len(seen) - bisect_right(seen, clock - window - (window // 120 if late else 0)))
            for jobs, window in rules
        )

    def is_settled(self, clock: int, rules: Limits) -> bool:
        """Whether no clock was set back during the longest window and its 120th."""
        if clock < self.clock:
            return False
        longest = max(window for _, window in rules)
        return self.put_back_at is None or clock - self.put_back_at >= longest + longest // 120

    def edge(self, window: int) -> int | None:
        """When the next admission will leave the window."""
        index = bisect_right(self.times, self.clock - window)
        return self.times[index] + window if index < len(self.times) else None
