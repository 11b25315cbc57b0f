"""Admission: which waiting ImageJobs a namespace's rates allow now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from .ledger import MAX_CHARGED, MAX_UNKNOWN, Ledger
from .rates import Rate, admissible


class Admission(msgspec.Struct, frozen=True):
    """The ledger to write, and the UIDs charged in it. They are charged once it is written."""

    ledger: Ledger
    uids: tuple[str, ...]


def admit(
    ledger: Ledger, rates: Sequence[Rate], waiting: Sequence[str], *, unknown: int = 0
) -> Admission:
    """Charge as many of `waiting` (UIDs), in order, as the rates and MAX_CHARGED allow.

    `ledger` is at the time of the decision, and was read before the ImageJobs that `waiting` lists.
    UIDs that are charged already are skipped. `unknown` of the charged ImageJobs may exist, but
    nothing happens to them for now: others don't wait until their statuses show the charges.
    """
    new = (uid for uid in dict.fromkeys(waiting) if uid not in ledger.charged)
    awaited = len(ledger.charged) - min(unknown, MAX_UNKNOWN)
    room = max(MAX_CHARGED - awaited, 0)
    uids = tuple(islice(new, admissible(ledger.history, rates, ledger.now, room)))
    return Admission(ledger.charge(uids) if uids else ledger, uids)
