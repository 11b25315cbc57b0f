"""Which namespace gets the next free place: weighted deficit round robin.

M. Shreedhar and G. Varghese, "Efficient Fair Queueing Using Deficit Round Robin", SIGCOMM 1995:
those who have something to send take turns, and each turn allows as much as the sender's quantum.
Here a place costs one and the quantum is the namespace's weight, a whole number, so a turn that
isn't cut short leaves no deficit behind.

The paper bounds how unequally two senders may be served over any stretch in which both always have
something to send: |sent_a / f_a - sent_b / f_b| <= Q + 2 Max, f being shares, Q the smallest
quantum and Max the largest cost (its fairness measure FM). With f = weight / Q and Max = 1 that is
|served_a / weight_a - served_b / weight_b| <= 1 + 2 / (the smallest weight). Since no turn that
was had leaves anything over, 1 holds here.

The paper has no senders that are held: here a namespace may have work but no room under its own
cap. It keeps its turn, or what is left of one, until it has room, so that a cap smaller than a
weight takes nothing from its share; but never more than that one turn, however long it was held.
So several turns may be unfinished at once. The one with the smallest part left goes on first: that
keeps the bound at 1, since it is also the first to have its next turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import chain

import msgspec


class Rounds(msgspec.Struct, frozen=True):
    """Whose turn it is, carried from call to call. Knows only namespaces with a backlog."""

    order: tuple[str, ...] = ()
    """Namespaces, the next to have a turn first."""
    unfinished: dict[str, int] = {}
    """Places left of turns that were cut short, at least one each; these come before others."""


def share(
    rounds: Rounds,
    backlog: Mapping[str, int],
    weights: Mapping[str, int],
    free: int,
    room: Mapping[str, int],
) -> tuple[dict[str, int], Rounds]:
    """How many of the `free` places each namespace gets now, at least one each, and the next state.

    `backlog` is how many wait, `weights` are at least 1 (the default), and `room` is how many more
    the namespace may take under its own cap; one that isn't named there has no cap. A namespace
    that comes to wait has its turn after all others that wait; one that ceases to loses its turn.
    No place stays free while somebody waits who has room. Takes O(namespaces + places).
    """
    turns = _turns(rounds, backlog, weights)
    unfinished = {name: rounds.unfinished[name] for name in turns if name in rounds.unfinished}
    shares: dict[str, int] = {}
    cut: list[str] = []
    while free > 0 and turns:
        namespace = turns.popleft()
        weight, served = weights.get(namespace, 1), shares.get(namespace, 0)
        turn = min(unfinished.pop(namespace, weight), weight)
        waiting = backlog[namespace] - served
        taken = max(0, min(turn, waiting, room.get(namespace, waiting + served) - served, free))
        if taken:
            shares[namespace], free = served + taken, free - taken
        if taken == waiting:
            continue
        if taken == turn:
            turns.append(namespace)
            continue
        cut.append(namespace)
        if turn - taken < weight:
            unfinished[namespace] = turn - taken
    return shares, Rounds((*cut, *turns), unfinished)


def _turns(rounds: Rounds, backlog: Mapping[str, int], weights: Mapping[str, int]) -> deque[str]:
    """All that wait: unfinished turns, the smallest part left first, then the others in order."""
    known = dict.fromkeys(chain(rounds.order, backlog))
    waiting = [namespace for namespace in known if backlog.get(namespace, 0) > 0]
    begun = [namespace for namespace in waiting if namespace in rounds.unfinished]
    begun.sort(key=lambda namespace: rounds.unfinished[namespace] / weights.get(namespace, 1))
    return deque(dict.fromkeys(chain(begun, waiting)))
