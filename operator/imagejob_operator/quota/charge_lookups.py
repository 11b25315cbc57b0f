"""ImageJobs that have a worker, and that nobody here knows to be charged: were they, and when?"""

from __future__ import annotations

from collections import Counter

import msgspec


class Lookup(msgspec.Struct, frozen=True):
    """One that is open. The namespace's read of that number answers it; None if none is to come."""

    namespace: str
    read: int | None


class ChargeLookups:
    """Who waits for which ledger to be read again, by the ImageJob's UID.

    Somebody else has charged them: the ledger as it was known doesn't say, and the next one may.
    """

    def __init__(self) -> None:
        self._open: dict[str, Lookup] = {}
        self._reads: Counter[str] = Counter()

    def note_read(self, namespace: str) -> None:
        """Its ledger has been read."""
        self._reads[namespace] += 1

    def open(self, uid: str, namespace: str, *, can_read: bool) -> bool:
        """Says whether its ledger is to be read anew for this one.

        Not if that was said before; nor while it can't be, as when it is being written: then the
        ImageJob is to be looked at again after.
        """
        known = self._open.get(uid)
        if known and known.read is not None:
            return False
        self._open[uid] = Lookup(namespace, self._reads[namespace] + 1 if can_read else None)
        return can_read

    def is_answered(self, uid: str) -> bool:
        """Whether the ledger has been read since that was asked for."""
        known = self._open.get(uid)
        if not known or known.read is None:
            return False
        return self._reads[known.namespace] >= known.read

    def close(self, uid: str) -> None:
        """Its charge is known, or wanted no more."""
        self._open.pop(uid, None)

    def open_in(self, namespace: str) -> list[str]:
        """Who waits for that namespace's ledger."""
        return [uid for uid, each in self._open.items() if each.namespace == namespace]
