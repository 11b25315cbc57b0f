"""What each may do so many times in a while, where doing it again and again costs only us.

It is counted in this process's memory: it bounds what one gateway works in vain, not what is
admitted. Replicas count for themselves, and a restart forgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_operator.quota.history import History
from imagejob_operator.quota.rates import Rate, usage

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10_000
"""Of whom something is counted at once; beyond it, the one who was counted longest ago begins
anew."""


class Tally:
    """Counts by names, such as owners'. `what` says in words what, and `clock` is milliseconds."""

    def __init__(self, what: str, rate: Rate, clock: Callable[[], int]) -> None:
        self._what = what
        self._rate = rate
        self._clock = clock
        self._counted: dict[str, History] = {}  # who was counted longest ago comes first

    def check(self, who: str) -> None:
        """Raise ProblemError if it was done as often as it may be."""
        now = self._clock()
        (use,) = usage(self._counted.get(who, History()), (self._rate,), now)
        if use.next_available is not None:
            raise ProblemError(
                ProblemReason.TOO_MANY_REQUESTS,
                f"There may be {self._rate.jobs} {self._what} per {self._rate.per}.",
                wait=max(1, -(-(use.next_available - now) // 1000)),
            )

    def count(self, who: str) -> None:
        """Count that it was done once more."""
        now = self._clock()
        history = self._counted.pop(who, History()).add(now, 1).compacted(now)
        freed = self._rate.freed(now)
        self._counted[who] = History(tuple(slot for slot in history.slots if slot[0] > freed))
        first = next(iter(self._counted))
        if len(self._counted) > MOST or self._counted[first].slots[0][0] <= freed:
            del self._counted[first]

    def take(self, who: str) -> None:
        """Count it, or raise ProblemError."""
        self.check(who)
        self.count(who)
