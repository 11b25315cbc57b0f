"""Selects the namespaces that have series of their own; the rest is summed up as one.

Labels are the only part of our metrics that grows with the cluster. So only namespaces that use
their quota, wait or run have series, and only a limited number; one that has them keeps them while
it is active, or the series of two namespaces near the edge would come and go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

OTHERS = "_others"
"""The label of all other namespaces: no namespace can have this name."""


class WindowUse(msgspec.Struct, frozen=True):
    """One rate: its window, such as `1h`, its limit, and its use."""

    window: str
    limit: int
    used: int

    @property
    def ratio(self) -> float:
        """Used of the limit: above 1 after a limit was lowered."""
        return self.used / self.limit


class NamespaceUse(msgspec.Struct, frozen=True):
    """What one namespace, or several as OTHERS, has used and is running."""

    namespace: str
    windows: tuple[WindowUse, ...]
    waiting: int
    running: int

    @property
    def is_active(self) -> bool:
        """Whether the namespace has anything to export."""
        return bool(self.waiting or self.running or any(each.used for each in self.windows))

    @property
    def fullness(self) -> float:
        """The ratio of its tightest window."""
        return max((each.ratio for each in self.windows), default=0.0)


class Seats:
    """At most `count` namespaces have one each, and keep it while they are active."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: set[str] = set()

    def select(self, uses: Iterable[NamespaceUse]) -> Iterator[NamespaceUse]:
        """Yield namespaces with a seat one by one, then the rest as one.

        Free seats go to the fullest.
        """
        active = {use.namespace: use for use in uses if use.is_active}
        self._taken &= active.keys()
        standing = sorted(
            (use for name, use in active.items() if name not in self._taken),
            key=lambda use: (-use.fullness, use.namespace),
        )
        free = self._count - len(self._taken)
        self._taken.update(use.namespace for use in standing[:free])
        yield from (use for name, use in active.items() if name in self._taken)
        if standing[free:]:
            yield together(standing[free:])


def together(uses: Iterable[NamespaceUse]) -> NamespaceUse:
    """Sum several namespaces up, their limits by window."""
    limits: defaultdict[str, int] = defaultdict(int)
    used: defaultdict[str, int] = defaultdict(int)
    waiting = running = 0
    for use in uses:
        waiting += use.waiting
        running += use.running
        for each in use.windows:
            limits[each.window] += each.limit
            used[each.window] += each.used
    windows = tuple(WindowUse(window, limit, used[window]) for window, limit in limits.items())
    return NamespaceUse(OTHERS, windows, waiting, running)
