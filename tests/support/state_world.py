"""A gateway's state over shards in memory, and two owners in one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import limit
from imagejob_gateway.state.owner import OwnerState, decode
from imagejob_gateway.state.shards import shard_of
from imagejob_gateway.state.state import State

from support.state_shards import RATE, START, MemoryShards

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

ALICE = "a" * 40
NEIGHBOUR = next(owner for n in range(1000) if shard_of(owner := f"{n:040d}") == shard_of(ALICE))


class World:
    """A state over shards in memory, at a time."""

    def __init__(self, shards: MemoryShards | None = None) -> None:
        self.now = START
        self.shards = shards or MemoryShards()
        fake: Any = self.shards
        self.state = State(fake, RATE, lambda: self.now)

    def stored(self, owner: str = ALICE) -> OwnerState:
        return decode(self.shards.data.get(shard_of(owner), {}).get(owner, ""))


def charge(state: OwnerState, _: int) -> tuple[OwnerState, int]:
    limit.check(state, RATE)
    return limit.charged(state), limit.allowance(state, RATE).remaining


def admitted(state: OwnerState) -> int:
    return sum(count for _, count in state.admissions.history.slots)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def outcomes(state: State, owners: list[str]) -> list[ProblemReason | int]:
    found = await asyncio.gather(
        *(state.change(owner, charge) for owner in owners), return_exceptions=True
    )
    return [each.problem.reason if isinstance(each, ProblemError) else each for each in found]  # type: ignore[misc]
