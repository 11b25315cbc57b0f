"""Give the next free slot to the namespace whose workers have cost the least so far.

Slots are shared by the time that they are held, not by how often they are given. A namespace's
virtual time grows by the cost of its workers, divided by its weight: START for each that starts,
and each second that it holds its slot. A free slot goes to the namespace with the least virtual
time of those that wait for one and may have it. This is start-time fair queueing:

P. Goyal, H. Vin and H. Cheng, "Start-time Fair Queueing", SIGCOMM 1996; with D at once, SFQ(D):
W. Jin, J. Chase and J. Kaur, "Interposed Proportional Sharing for a Storage Service Utility",
SIGMETRICS 2004, where |W_a / w_a - W_b / w_b| <= (D + 1) (c_a / w_a + c_b / w_b) for any two that
always wait, c being the largest cost of one request.

There the cost is known when a request starts; here it is counted while the slot is held, because
the duration of a store's transfers is unknown. So when virtual times are compared, each slot that a
namespace holds adds the usual cost of its workers. This gives a bound: let a compete, that is, wait
for a slot and be allowed one, whenever slots are given in some interval, and let b be any other
namespace. Then, in that interval,

    W_b / w_b - W_a / w_a <= K_b (START + L_b) / w_b + K_a U_a / w_a + lead,

where each has at most K workers at once, b's of at most L seconds, a's usually of at most U, and
`lead` is the excess of a's virtual time over b's at the start of the interval, or 0. Proof: when b
is given a slot, its virtual time is at most a's plus the usual cost of a's workers, K_a U_a / w_a
at most; after the last such time, it grows by the cost of the workers that b has then, until they
end, K_b (START + L_b) / w_b at most; a's never shrinks. It holds as long as b uses the slots
that it is given: see `declined`, and LIMIT. While a holds no slot, the usual cost doesn't matter.

A namespace that starts to wait is raised to the clock, which is the least virtual time of those
that competed when a slot was last given (much as in the papers): time without demand, or at its own
cap, earns no credit. Slots without competition cost nothing either: the clock follows the namespace
that gets them. LIMIT is the maximum lead over the clock, and so bounds how long past use makes a
namespace wait. While a namespace neither holds a slot nor waits for one, its lead shrinks by a
second each second. After a restart all start again, with what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

import msgspec

from imagejob_operator.config.reserve import Reserve

START = timedelta(seconds=1)
"""The fixed cost of a worker: pods have a price too, and slots that are given at the same moment
are shared by weight as well."""

LIMIT = timedelta(hours=4)
"""The maximum lead of a virtual time over the clock: the time of a worker with 24 ImageJobs of ten
minutes each, so that the cost of a single worker always counts in full."""

MANY = 16
"""The number of workers whose times determine the usual cost."""

Ticks = int
"""Virtual time, in nanoseconds of one slot, of a namespace of weight 1."""


class Demand(msgspec.Struct, frozen=True):
    """The demand of one namespace: it wants `workers`, its own caps allow `budget` of them, and it
    holds `held`."""

    workers: int
    budget: int
    held: int = 0
    weight: int = 1


class Accounts(msgspec.Struct, frozen=True):
    """The use of each namespace, carried from one observation to the next.

    `clock` is the least virtual time of a namespace that starts to wait; `spent` are the virtual
    times of those that hold or wait, or are ahead of it; `held` are the workers of each at `at`,
    and `lately` the total time of its last workers, and their number. The `given` got slots in the
    last `share`; the `declined` started no worker with theirs.
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
        """Add the time held until now, and the cost of new workers. Must see every change.

        New workers are those beyond the last observation; after a restart, none. `waiting` are the
        namespaces that are queued for workers.
        """
        passed = max(now - self.at, timedelta()) if self.at else timedelta()
        started = {name: count - self.held.get(name, 0) for name, count in held.items()}
        spent, lately = dict(self.spent), dict(self.lately)
        for name in {**self.held, **held}:
            time, new = passed * self.held.get(name, 0), max(0, started.get(name, 0))
            cost = time + START * (new if self.at else 0)
            spent[name] = min(
                spent.get(name, self.clock) + _ticks(cost, weight(name)), self.clock + _ticks(LIMIT)
            )
            lately[name] = _faded(*lately.get(name, (0, 0)), time, new)
        active = {*held, *self.held, *waiting}
        for name in spent.keys() - active:
            spent[name] -= _ticks(passed)
        declined = {name for name in self.given if started.get(name, 0) <= 0}
        kept = {name: time for name, time in spent.items() if time > self.clock or name in active}
        return Accounts(
            now,
            self.clock,
            kept,
            {name: count for name, count in held.items() if count},
            {name: times for name, times in lately.items() if name in kept},
            declined=frozenset(declined) if self.given else self.declined,
        )

    def usual(self, name: str) -> Ticks:
        """Return how long one of its workers usually holds a slot, by past and running ones."""
        time, workers = self.lately.get(name, (0, 0))
        return time // workers if workers else 0


def share(
    accounts: Accounts, demands: Mapping[str, Demand], free: int, reserve: Reserve
) -> tuple[dict[str, int], Accounts]:
    """Return how many of the `free` slots each namespace gets now, one or more, and the accounts.

    A namespace pays only for slots that it uses; if it uses none of them, it comes after the others
    in the next call. No slot stays free while a namespace waits that may have it. Of equals, the
    longest waiting one is first. Takes O((namespaces + slots) log(namespaces)).
    """
    if free <= 0:
        # All declined slots are in use, so the usual order applies again.
        accounts = msgspec.structs.replace(accounts, declined=frozenset())
    known = [name for name in accounts.spent if name in demands]
    queue = [name for name in dict.fromkeys([*known, *demands]) if demands[name].workers > 0]
    spent, clock = dict(accounts.spent), accounts.clock
    spent |= {name: max(spent.get(name, clock), clock) for name in queue}
    held = accounts.held | {name: demand.held for name, demand in demands.items()}
    many = sum(count for count in held.values() if count > 1)
    eligible = [
        name
        for name in queue
        if demands[name].budget > 0 and reserve.allows(demands[name].held, many)
    ]
    waiting = msgspec.structs.replace(accounts, spent=spent)
    shares = _give(waiting, {name: demands[name] for name in eligible}, free, reserve, many)
    if shares:
        clock = max(clock, min(spent[name] for name in eligible))
    return shares, msgspec.structs.replace(waiting, clock=clock, given=frozenset(shares))


def _give(
    accounts: Accounts, demands: Mapping[str, Demand], free: int, reserve: Reserve, many: int
) -> dict[str, int]:
    """Give one slot at a time to the least virtual time, which includes the slots held by then."""
    prices = {name: accounts.usual(name) // demand.weight for name, demand in demands.items()}
    heap = [
        (name in accounts.declined, accounts.spent[name] + demand.held * prices[name], rank, name)
        for rank, (name, demand) in enumerate(demands.items())
    ]
    heapify(heap)
    shares: dict[str, int] = {}
    while free > 0 and heap:
        declined, time, rank, name = heappop(heap)
        demand, given = demands[name], shares.get(name, 0)
        if given >= demand.budget or not reserve.allows(demand.held + given, many):
            continue  # neither budget nor reserve grows within this call
        many += {0: 0, 1: 2}.get(demand.held + given, 1)
        shares[name], free = given + 1, free - 1
        if given + 1 < demand.workers:
            time += _ticks(START, demand.weight) + prices[name]
            heappush(heap, (declined, time, rank + len(demands), name))
    return shares


def _faded(time: Ticks, workers: int, more: timedelta, new: int) -> tuple[Ticks, int]:
    """Add to time and workers; halve both from MANY workers on, so that old times fade."""
    time, workers = time + _ticks(more), workers + new
    return (time // 2, -(-workers // 2)) if workers >= MANY else (time, workers)


def _ticks(time: timedelta, weight: int = 1) -> Ticks:
    return time // timedelta(microseconds=1) * 1000 // weight
