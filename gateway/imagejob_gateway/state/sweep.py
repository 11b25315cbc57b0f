"""The sweeper: settles what was left in progress, such as by a gateway that was killed.

Each replica sweeps. Every step may be done twice, and by two at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from imagejob_operator.observability.logging import fields

from imagejob_gateway.problem import ProblemError

from .shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .owner import OwnerState
    from .state import State

log = logging.getLogger(__name__)

L = TypeVar("L")


class Leftovers(Protocol, Generic[L]):
    """One feature's things that were left in progress."""

    def overdue(self, state: OwnerState, now: int) -> Sequence[L]:
        """Return what nobody works on any more; pure."""
        ...

    async def settle(self, owner: str, left: L) -> None:
        """Remove what has to be removed, and then the record of it.

        Raises ProblemError: it stays, and is settled the next time.
        """
        ...


class Sweeper:
    """Settles the leftovers of all features, of one owner after the other."""

    def __init__(self, state: State, features: Iterable[Leftovers[Any]]) -> None:
        self._state = state
        self._features = tuple(features)

    async def run(self, seconds: float) -> None:
        """Sweep, and again after so many seconds, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:  # a bug, which must not end the gateway
                log.exception("a sweep failed")
            await asyncio.sleep(seconds)

    async def sweep(self) -> None:
        """Look at every owner once. What fails is logged, and stays."""
        for shard in range(SHARDS):
            try:
                states = await self._state.read_shard(shard)
            except ProblemError:  # the state has logged it
                continue
            for owner, state in states.items():
                await self._settle(owner, state)

    async def _settle(self, owner: str, state: OwnerState) -> None:
        for feature in self._features:
            for left in feature.overdue(state, state.as_of):
                try:
                    await feature.settle(owner, left)
                except ProblemError as error:
                    extra = fields(owner=owner, left=str(left))
                    log.warning("a leftover stays: %s", error, extra=extra)
                except Exception:  # a bug, which must not keep those of others
                    extra = fields(owner=owner, left=str(left))
                    log.exception("a leftover can't be settled", extra=extra)
