"""Admission: which waiting ImageJobs a namespace's rates allow now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from .ledger import MAX_CHARGED, Ledger
from .rates import Rate, admissible


class Admission(msgspec.Struct, frozen=True):
    """The ledger to write, and the UIDs charged in it. They are charged once it is written."""

    ledger: Ledger
    uids: tuple[str, ...]


def admit(ledger: Ledger, rates: Sequence[Rate], waiting: Sequence[str]) -> Admission:
    """Charge as many of `waiting` (UIDs), in order, as the rates and MAX_CHARGED allow.

    `ledger` is at the time of the decision, and was read before the ImageJobs that `waiting` lists.
    UIDs that are charged already are skipped.
    """
    new = (uid for uid in dict.fromkeys(waiting) if uid not in ledger.charged)
    room = max(MAX_CHARGED - len(ledger.charged), 0)
    uids = tuple(islice(new, admissible(ledger.history, rates, ledger.now, room)))
    return Admission(ledger.charge(uids) if uids else ledger, uids)
