"""Rebuilds ledgers that don't exist, for many namespaces together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

from .known_ledgers import KnownLedgers
from .ledgers import Ledgers

AT_ONCE = 64
"""Ledgers that are stored before others have a turn: about a millisecond."""


class Rebuilding(NamedTuple):
    """The action that rebuilds the ledgers; `is_urgent` if ImageJobs wait for any of them."""

    action: Callable[[], Coroutine[Any, Any, None]]
    is_urgent: bool


class LedgerRebuilder:
    """One rebuilding at a time, of all missing ledgers that were requested before it."""

    def __init__(self, ledgers: Ledgers, known: KnownLedgers) -> None:
        self._ledgers = ledgers
        self._known = known

    def consider(self) -> Rebuilding | None:
        """Return the next rebuilding, if any ledger is missed."""
        namespaces = self._known.wanted_missing()
        if not namespaces:
            return None
        is_urgent = not all(map(self._known.is_idle, namespaces))
        return Rebuilding(partial(self._rebuild, namespaces), is_urgent)

    async def _rebuild(self, namespaces: list[str]) -> None:
        rebuilt = await self._ledgers.rebuild(namespaces)
        for number, (namespace, stored) in enumerate(rebuilt.items(), 1):
            self._known.rebuilt(namespace, stored)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
