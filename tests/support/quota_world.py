"""Writers, a store and many ImageJobs, moved step by step, while an oracle watches.

A writer does as the operator must: read the ledger, then the ImageJobs, then decide, then write by
compare-and-swap; if that fails, all of it again. `hasty` ones read the ImageJobs first.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from imagejob_operator.quota.admission import admit
from imagejob_operator.quota.ledger import MAX_CHARGED, Ledger, decode
from imagejob_operator.quota.rates import parse_rate

from support.sliding_log import Limits, SlidingLog, limits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = 1_795_341_600_123_457
WRITERS = 2
WHOLE_TURN = 3
"""Steps of a writer from reading the ledger to writing it."""

TOO_MANY = "a window holds more than the limit"
TOO_LATE = "somebody waits for longer than a slot"
CHARGED_TWICE = "somebody was charged twice"


class Picture(NamedTuple):
    """ImageJobs as a writer saw them: those not shown as admitted, in order, and those that are."""

    waiting: tuple[str, ...]
    shown: frozenset[str]


class Decision(NamedTuple):
    """What a writer decided from a ledger and a picture, at a time and with its own limits."""

    now: int
    rules: Limits
    before: Ledger
    cache: Picture
    after: Ledger
    uids: Sequence[str]


class World:
    """One namespace. Times in µs. An AssertionError means a broken promise."""

    def __init__(self, rates: Sequence[str], *, hasty: bool = False) -> None:
        self.now = START
        self.log = SlidingLog(START)
        self.turns = 0
        self._jobs: dict[str, bool] = {}
        self._charged: list[str] = []
        self._arrived = 0
        self._data, self._version = Ledger(START).encode(), 1
        self._writers = [Writer(self, hasty=hasty) for _ in range(WRITERS)]
        self.limit(rates)

    def wait(self, micros: int) -> None:
        """Let time pass, or set the clock back."""
        self.now += micros

    def linger(self, rule: int, parts: int) -> None:
        """Let a part of a window pass."""
        self.now += self.rules[rule % len(self.rules)][1] // parts

    def trickle(self, count: int, parts: int) -> None:
        """Apply ImageJobs one by one, while the first writer works in between."""
        for _ in range(count):
            self.arrive(1)
            self.linger(0, parts)
            self.go(0, WHOLE_TURN)

    def limit(self, rates: Sequence[str]) -> None:
        """Set the ImageQuota's limits."""
        self.rates = tuple(map(parse_rate, rates))
        self.rules = limits(rates)

    def arrive(self, count: int) -> None:
        """Apply ImageJobs."""
        self._jobs |= {f"uid-{self._arrived + index}": False for index in range(count)}
        self._arrived += count

    def show(self, count: int) -> None:
        """Let the status of charged ImageJobs finally say `Admitted`, the oldest first."""
        shown, self._charged = self._charged[:count], self._charged[count:]
        self._jobs |= {uid: True for uid in shown if uid in self._jobs}

    def delete(self, index: int) -> None:
        """Delete an ImageJob."""
        if self._jobs:
            del self._jobs[list(self._jobs)[index % len(self._jobs)]]

    def edge(self, rule: int, offset: int) -> None:
        """Wait until that many µs after an admission leaves a window."""
        edge = self.log.edge(self.rules[rule % len(self.rules)][1])
        if edge is not None:
            self.now = max(self.now, edge + offset)

    def cache(self) -> Picture:
        waiting = tuple(uid for uid, shown in self._jobs.items() if not shown)
        return Picture(waiting, frozenset(uid for uid, shown in self._jobs.items() if shown))

    def read(self) -> tuple[Ledger, int]:
        """Return the ledger, and its version."""
        return decode(self._data), self._version

    def settle(self, decision: Decision, version: int) -> tuple[Ledger, int] | None:
        """Write what was decided on that version, if necessary. None: another writer came first."""
        if version != self._version:
            return None
        self._judge(decision)
        after, uids = decision.after, decision.uids
        is_put_back = after.as_of < decision.before.as_of
        if not uids and not is_put_back and after.charged == decision.before.charged:
            return decision.before, version
        self.log.move(after.as_of)
        self.log.admit(uids)
        self._charged += uids
        self._data, self._version = after.encode(), version + 1
        assert all(self.log.charges[uid] == 1 for uid in uids), CHARGED_TWICE
        return after, self._version

    def _judge(self, decision: Decision) -> None:
        """Compare with the ideal."""
        after, rules, admitted = decision.after, decision.rules, len(decision.uids)
        assert after.as_of == self.log.reads(decision.now, rules), "the clock is wrong"
        assert len(after.charged) <= MAX_CHARGED
        self.turns += 1
        if admitted:
            assert admitted <= self.log.allows(after.as_of, rules), TOO_MANY
        if self.log.is_settled(after.as_of, rules):
            waiting = sum(uid not in decision.before.charged for uid in decision.cache.waiting)
            room = min(waiting, MAX_CHARGED - len(after.charged) + admitted)
            late = self.log.allows(after.as_of, rules, late=True)
            assert admitted >= min(room, late), TOO_LATE

    def go(self, writer: int, steps: int) -> None:
        """Let a writer make that many steps."""
        for _ in range(steps):
            self._writers[writer].step()

    def crash(self, writer: int) -> None:
        """A writer forgets all it knew, as does one that got no response to its write."""
        self._writers[writer].crash()

    def skew(self, writer: int, micros: int) -> None:
        """Let a writer's clock differ by that much."""
        self._writers[writer].skew = micros

    def look(self, writer: int) -> None:
        """Let a writer see the changes of the ImageJobs."""
        self._writers[writer].look()

    def finish(self) -> None:
        """With a wide limit all are admitted in the end: every one was charged exactly once."""
        self.limit(["1000000/1s"])
        self.skew(0, 0)
        for _ in range(len(self._jobs) // MAX_CHARGED + 2):
            self.now = max(self.now, self.log.clock) + 1_100_000
            self.show(len(self._charged))
            self.crash(0)
            self.go(0, WHOLE_TURN)

        assert self._jobs.keys() <= self.log.charges.keys(), "somebody was never charged"
        assert set(self.log.charges.values()) <= {1}, CHARGED_TWICE


class Writer:
    """One replica of the operator."""

    def __init__(self, world: World, *, hasty: bool) -> None:
        self.skew = 0
        self._world = world
        self._hasty = hasty
        self.crash()

    def crash(self) -> None:
        self._known: tuple[Ledger, int] | None = None
        self._cache = Picture((), frozenset())
        self._turn = self._take_turn()

    def step(self) -> None:
        if next(self._turn, None) is None:
            self._turn = self._take_turn()

    def look(self) -> None:
        if self._known and not self._hasty:
            self._cache = self._world.cache()

    def _take_turn(self) -> Generator[str, None, None]:
        """Yields before each outside effect: other writers may go first."""
        world = self._world
        if self._known is None and self._hasty:
            self._cache = world.cache()
            yield "about to read the ledger"
            self._known = world.read()
        elif self._known is None:
            self._known = world.read()
            yield "about to read the ImageJobs"
            self._cache = world.cache()
        before, version = self._known
        world_now, rates = world.now + self.skew, world.rates
        ledger = before.at(EPOCH + timedelta(microseconds=world_now), rates)
        gone = before.charged.keys() - self._cache.waiting
        admission = admit(ledger.without(uids=gone), rates, self._cache.waiting)
        decision = Decision(
            world_now, world.rules, before, self._cache, admission.ledger, admission.uids
        )
        yield "about to write the ledger"
        self._known = world.settle(decision, version)
