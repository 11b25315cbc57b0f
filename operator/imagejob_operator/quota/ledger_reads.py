"""Which ledgers have to be read, and which are known not to exist."""

from __future__ import annotations


class LedgerReads:
    """What is known of ledgers that the operator does not have.

    Once all ledgers were listed, a namespace without one has none: it is rebuilt from the
    namespace's ImageJobs, and nothing else has to be asked. Should another operator create one
    meanwhile, ours can't be created any more. The namespace is `outdated` then, and its ledger has
    to be read.
    """

    def __init__(self) -> None:
        self._are_listed = False
        self._outdated: set[str] = set()
        self._wanted: dict[str, None] = {}

    def listed(self) -> None:
        """Record that all ledgers were listed."""
        self._are_listed = True

    def outdate(self, namespace: str) -> None:
        """Record that another operator may have written the ledger."""
        self._outdated.add(namespace)

    def done(self, namespace: str) -> None:
        """Record that the ledger was read or rebuilt."""
        self._outdated.discard(namespace)
        self._wanted.pop(namespace, None)

    def want(self, namespace: str) -> None:
        """Request the ledger, although no ImageJob waits for it."""
        self._wanted[namespace] = None

    def is_wanted(self, namespace: str) -> bool:
        """Whether the ledger was requested, and has to be read."""
        return namespace in self._wanted and not self.is_missing(namespace)

    def wanted_missing(self) -> list[str]:
        """Return the namespaces whose ledger was requested, and does not exist."""
        return [namespace for namespace in self._wanted if self.is_missing(namespace)]

    def is_missing(self, namespace: str) -> bool:
        """Whether a ledger that the operator does not have does not exist."""
        return self._are_listed and namespace not in self._outdated
