"""Which namespace gets the next free place: the one whose workers have cost the least so far.

Places are shared by the time that they are held, not by how often they are given. A namespace's
virtual time grows by what its workers cost, divided by its weight: START for each that begins, and
each second that it holds its place. A free place goes to the namespace with the least of those that
wait for one and may have it. That is start-time fair queueing:

P. Goyal, H. Vin and H. Cheng, "Start-time Fair Queueing", SIGCOMM 1996; with D at once, SFQ(D):
W. Jin, J. Chase and J. Kaur, "Interposed Proportional Sharing for a Storage Service Utility",
SIGMETRICS 2004, where |W_a / w_a - W_b / w_b| <= (D + 1) (c_a / w_a + c_b / w_b) for any two that
always wait, c being the largest cost of one request.

There the cost is known when a request begins; here it is counted while the place is held, for
nobody knows how long a store will take. So whoever holds places is taken to be ahead by what its
workers usually cost, for each that it holds. What holds then: let a compete, that is, wait for a
place and be allowed one, whenever places are given in some stretch of time, and b be anybody else.
Then, in that stretch,

    W_b / w_b - W_a / w_a <= K_b (START + L_b) / w_b + K_a U_a / w_a + lead,

where each has at most K workers at once, b's of at most L seconds, a's usually of at most U, and
`lead` is by how much a's virtual time was beyond b's when the stretch began, or 0. Proof: when b is
given a place, its virtual time is at most a's and what a's workers usually cost, K_a U_a / w_a at
most; after the last time that it is, its virtual time grows by what its workers of then cost until
they end, which is K_b (START + L_b) / w_b at most; a's never shrinks. It holds as long as b takes
its turns as they come: see `declined`, and LIMIT. While a holds none, what is usual doesn't matter.

Who begins to wait does so at the clock, the least virtual time of those who competed when a place
was given last, if its own is less (much as in the papers): to have wanted nothing, or to have been
held by one's own cap, is no credit. Places that nobody else wanted aren't paid for either: the
clock goes along with who gets them. What a lead over the clock is at most, LIMIT, bounds how long
anybody waits for having had much. While a namespace neither holds a place nor waits for one, a
second of its lead is forgotten each second. After a restart all begin anew, with what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

import msgspec

from imagejob_operator.config.reserve import Reserve

START = timedelta(seconds=1)
"""What it costs to begin a worker, whatever it does: pods have a price too, and what is given at
one moment is shared by weight as well."""

LIMIT = timedelta(hours=4)
"""The most that anybody's virtual time may be ahead of the clock: as long as one worker may take
with 24 ImageJobs of ten minutes each, so that what one worker costs is never forgiven."""

MANY = 16
"""Workers whose times make up what is usual."""

Ticks = int
"""Virtual time, in nanoseconds of one place, of a namespace of weight 1."""


class Demand(msgspec.Struct, frozen=True):
    """One namespace that waits: for so many `workers`, of which its own caps leave `room` for some;
    and what it holds."""

    workers: int
    budget: int
    held: int = 0
    weight: int = 1


class Accounts(msgspec.Struct, frozen=True):
    """What each namespace has had, carried from look to look.

    `clock` is the virtual time that whoever begins to wait has at least; `spent` are the virtual
    times of those that hold or wait, or are ahead of it; `held` is what each held at `at`, and
    `lately` for how long its last workers have, in all, and how many those are. The
    `given` got places in the last `share`, and the `declined` then began nothing with them.
    """

    at: datetime | None = None
    clock: Ticks = 0
    spent: dict[str, Ticks] = {}
    held: dict[str, int] = {}
    lately: dict[str, tuple[Ticks, int]] = {}
    given: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()

    def observed(
        self,
        held: Mapping[str, int],
        waiting: Collection[str],
        weight: Callable[[str], int],
        now: datetime,
    ) -> Accounts:
        """Count what has been held until now, and what was begun. To be told of every change.

        Begun is what is held beyond what was; after a restart, nothing. Those `waiting` are in
        line for workers.
        """
        passed = max(now - self.at, timedelta()) if self.at else timedelta()
        begun = {name: count - self.held.get(name, 0) for name, count in held.items()}
        spent, lately = dict(self.spent), dict(self.lately)
        for name in {**self.held, **held}:
            time, new = passed * self.held.get(name, 0), max(0, begun.get(name, 0))
            cost = time + START * (new if self.at else 0)
            spent[name] = min(
                spent.get(name, self.clock) + _ticks(cost, weight(name)), self.clock + _ticks(LIMIT)
            )
            lately[name] = _faded(*lately.get(name, (0, 0)), time, new)
        there = {*held, *self.held, *waiting}
        for name in spent.keys() - there:
            spent[name] -= _ticks(passed)
        declined = {name for name in self.given if begun.get(name, 0) <= 0}
        kept = {name: time for name, time in spent.items() if time > self.clock or name in there}
        return Accounts(
            now,
            self.clock,
            kept,
            {name: count for name, count in held.items() if count},
            {name: times for name, times in lately.items() if name in kept},
            declined=frozenset(declined) if self.given else self.declined,
        )

    def usual(self, name: str) -> Ticks:
        """For how long one of its workers holds a place, as far as is known: those at work too."""
        time, workers = self.lately.get(name, (0, 0))
        return time // workers if workers else 0


def share(
    accounts: Accounts, demands: Mapping[str, Demand], free: int, reserve: Reserve
) -> tuple[dict[str, int], Accounts]:
    """How many of the `free` places each namespace gets now, at least one each, and what is known
    then. Whoever gets a place need not take it, and pays when it does; who doesn't, comes after
    the others in the next call.

    No place stays free while somebody waits who may have it. Of equals, who has waited longest.
    Takes O((namespaces + places) log(namespaces)).
    """
    if free <= 0:
        # (what somebody left has been taken, so whose turn it is counts again)
        accounts = msgspec.structs.replace(accounts, declined=frozenset())
    known = [name for name in accounts.spent if name in demands]
    line = [name for name in dict.fromkeys([*known, *demands]) if demands[name].workers > 0]
    spent, clock = dict(accounts.spent), accounts.clock
    spent |= {name: max(spent.get(name, clock), clock) for name in line}
    held = accounts.held | {name: demand.held for name, demand in demands.items()}
    many = sum(count for count in held.values() if count > 1)
    may = [
        name
        for name in line
        if demands[name].budget > 0 and reserve.allows(demands[name].held, many)
    ]
    waiting = msgspec.structs.replace(accounts, spent=spent)
    shares = _give(waiting, {name: demands[name] for name in may}, free, reserve, many)
    if shares:
        clock = max(clock, min(spent[name] for name in may))
    return shares, msgspec.structs.replace(waiting, clock=clock, given=frozenset(shares))


def _give(
    accounts: Accounts, demands: Mapping[str, Demand], free: int, reserve: Reserve, many: int
) -> dict[str, int]:
    """One place after the other, each to whoever has had the least, with what it holds by then."""
    prices = {name: accounts.usual(name) // demand.weight for name, demand in demands.items()}
    heap = [
        (name in accounts.declined, accounts.spent[name] + demand.held * prices[name], place, name)
        for place, (name, demand) in enumerate(demands.items())
    ]
    heapify(heap)
    shares: dict[str, int] = {}
    while free > 0 and heap:
        declined, time, place, name = heappop(heap)
        demand, given = demands[name], shares.get(name, 0)
        if given >= demand.budget or not reserve.allows(demand.held + given, many):
            continue  # for this call: neither room nor reserve will be more in it
        many += {0: 0, 1: 2}.get(demand.held + given, 1)
        shares[name], free = given + 1, free - 1
        if given + 1 < demand.workers:
            time += _ticks(START, demand.weight) + prices[name]
            heappush(heap, (declined, time, place + len(demands), name))
    return shares


def _faded(time: Ticks, workers: int, more: timedelta, new: int) -> tuple[Ticks, int]:
    """With what has come, and half of it once it is of many workers: what was long ago fades."""
    time, workers = time + _ticks(more), workers + new
    return (time // 2, -(-workers // 2)) if workers >= MANY else (time, workers)


def _ticks(time: timedelta, weight: int = 1) -> Ticks:
    return time // timedelta(microseconds=1) * 1000 // weight
