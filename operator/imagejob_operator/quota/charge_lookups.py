"""ImageJobs that have a worker but no known charge: ask the ledger whether and when they were
charged."""

from __future__ import annotations

from collections import Counter

import msgspec


class Lookup(msgspec.Struct, frozen=True):
    """An open lookup.

    Read number `read` of the namespace's ledger answers it; None if none is planned.
    """

    namespace: str
    read: int | None


class ChargeLookups:
    """Open lookups by the ImageJob's UID.

    Another operator charged these ImageJobs: the ledger as known lacks them, and the next read may
    have them.
    """

    def __init__(self) -> None:
        self._open: dict[str, Lookup] = {}
        self._reads: Counter[str] = Counter()

    def note_read(self, namespace: str) -> None:
        """Record that the namespace's ledger was read."""
        self._reads[namespace] += 1

    def open(self, uid: str, namespace: str, *, can_read: bool) -> bool:
        """Open a lookup; return whether to read the ledger for it.

        False if a read was already requested, or is impossible while the ledger is being written:
        then the caller evaluates the ImageJob again afterwards.
        """
        known = self._open.get(uid)
        if known and known.read is not None:
            return False
        self._open[uid] = Lookup(namespace, self._reads[namespace] + 1 if can_read else None)
        return can_read

    def is_answered(self, uid: str) -> bool:
        """Whether the ledger was read after the lookup requested it."""
        known = self._open.get(uid)
        if not known or known.read is None:
            return False
        return self._reads[known.namespace] >= known.read

    def close(self, uid: str) -> None:
        """Close the lookup: the charge is known, or no longer needed."""
        self._open.pop(uid, None)

    def open_in(self, namespace: str) -> list[str]:
        """Return the UIDs with open lookups in that namespace."""
        return [uid for uid, each in self._open.items() if each.namespace == namespace]
