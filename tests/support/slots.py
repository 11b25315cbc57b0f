"""Worker slots in virtual time: who asks for what, who gets a slot, and what it costs."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from heapq import heappop, heappush
from typing import NamedTuple

from imagejob_operator.config.reserve import Reserve
from imagejob_operator.scheduling.fair_share import START, Accounts, Demand, share

BEGIN = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
PLENTY = 1_000_000


class Look(NamedTuple):
    """One round of assignments: what was asked for, known and given, and the cost so far."""

    demands: Mapping[str, Demand]
    free: int
    shares: Mapping[str, int]
    before: Accounts
    after: Accounts
    held: Mapping[str, int]
    cost: Mapping[str, Fraction]
    reserve: Reserve

    def left(self, name: str) -> int:
        return self.demands[name].workers - self.shares.get(name, 0) if name in self.demands else 0

    def may_have_more(self, name: str) -> bool:
        """It still waits, and neither its cap nor the reserve is in its way."""
        if not self.left(name):
            return False
        many = sum(count for count in self.held.values() if count > 1)
        has_room = self.demands[name].budget > self.shares.get(name, 0)
        return has_room and self.reserve.allows(self.held.get(name, 0), many)


class Slots:
    """Namespaces with queues of workers, each with the seconds that it will take."""

    def __init__(
        self,
        places: int,
        kept: int = 0,
        weights: Mapping[str, int] | None = None,
        caps: Mapping[str, int] | None = None,
    ) -> None:
        self.now = 0
        self.looks: list[Look] = []
        self.waited: defaultdict[str, list[int]] = defaultdict(list)
        self.ended: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.cost: defaultdict[str, Fraction] = defaultdict(Fraction)
        self._reserve = Reserve(places, kept)
        self._weights, self._caps = weights or {}, caps or {}
        self._lines: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._at_work: list[tuple[int, str]] = []
        self._accounts = Accounts()

    def arrive(self, name: str, seconds: int, count: int = 1) -> None:
        """Add that many of its workers to the queue; slots are given at the next `look`."""
        self._lines[name].extend([(self.now, seconds)] * count)

    def wait(self, seconds: int) -> None:
        """Let time pass; a slot is given again as soon as its worker has ended."""
        until = self.now + seconds
        while self._at_work and self._at_work[0][0] <= until:
            self._pass(self._at_work[0][0] - self.now)
            while self._at_work and self._at_work[0][0] == self.now:
                _, name = heappop(self._at_work)
                self.held[name] -= 1
                self.ended[name] += 1
                self.comes_back(name)
            self.look()
        self._pass(until - self.now)

    def comes_back(self, name: str) -> None:
        """A worker of it has ended: in a closed loop, the next one arrives here."""

    def look(self) -> None:
        """Give the free slots."""
        at = BEGIN + timedelta(seconds=self.now)
        waiting = [name for name, line in self._lines.items() if line]
        before = self._accounts.observed(+self.held, waiting, self._weight, at)
        demands = {name: self._wish(name) for name in waiting}
        free = self._reserve.places - sum(self.held.values())
        shares, after = share(before, demands, free, self._reserve)
        for name, count in shares.items():
            for _ in range(count):
                self._begin(name)
        # (as in the operator, which looks again after writing what it gave)
        after = after.observed(+self.held, waiting, self._weight, at)
        self._accounts = after
        cost, held = dict(self.cost), +self.held
        self.looks.append(Look(demands, free, shares, before, after, held, cost, self._reserve))

    def _wish(self, name: str) -> Demand:
        held = self.held[name]
        room = max(0, self._caps.get(name, PLENTY) - held)
        return Demand(len(self._lines[name]), room, held, self._weight(name))

    def _weight(self, name: str) -> int:
        return self._weights.get(name, 1)

    def _begin(self, name: str) -> None:
        since, seconds = self._lines[name].popleft()
        self.waited[name].append(self.now - since)
        self.held[name] += 1
        self.cost[name] += Fraction(int(START.total_seconds()), self._weight(name))
        heappush(self._at_work, (self.now + seconds, name))

    def _pass(self, seconds: int) -> None:
        for name, count in self.held.items():
            self.cost[name] += Fraction(seconds * count, self._weight(name))
        self.now += seconds
