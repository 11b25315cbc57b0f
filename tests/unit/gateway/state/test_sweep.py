"""What the sweeper finds, and what stops it: nothing but the thing itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import uploads
from imagejob_gateway.state.owner import OwnerState, Upload
from imagejob_gateway.state.shards import shard_of
from imagejob_gateway.state.state import State
from imagejob_gateway.state.sweep import Sweeper
from support.state_shards import RATE, START, MemoryShards

if TYPE_CHECKING:
    from collections.abc import Sequence

OWNERS = [f"{number:040d}" for number in range(3)]


class Some:
    """Leftovers that are over at once, and fail for the first owner."""

    def __init__(self, state: State, failure: Exception) -> None:
        self._state = state
        self._failure = failure
        self.settled: list[str] = []

    def overdue(self, state: OwnerState, now: int) -> Sequence[str]:
        return [upload for upload, each in state.uploads.items() if each.until < now]

    async def settle(self, owner: str, left: str) -> None:
        if owner == OWNERS[0]:
            raise self._failure
        self.settled.append(owner)
        await self._state.change(
            owner, lambda state, _: (uploads.ended(state, left, created=False), None)
        )


FAILURES = {
    "a leftover stays": ProblemError(ProblemReason.STORAGE_UNAVAILABLE, "no"),
    "a leftover can't be settled": ValueError("a bug"),
}


@pytest.mark.parametrize(("words", "failure"), FAILURES.items(), ids=["a store", "a bug"])
def test_one_that_fails_stays_and_stops_no_other(
    caplog: pytest.LogCaptureFixture, words: str, failure: Exception
) -> None:
    shards: Any = MemoryShards()
    for owner in OWNERS:
        left = OwnerState(as_of=START, uploads={"a": Upload("", "s", "k", START)})
        shards.put(shard_of(owner), owner, left.encode())
    shards.put(shard_of("broken"), "broken", "{")
    state = State(shards, RATE, lambda: START + 1000)
    some = Some(state, failure)

    asyncio.run(Sweeper(state, [some]).sweep())

    assert sorted(some.settled) == OWNERS[1:]
    assert OWNERS[0] in shards.data[shard_of(OWNERS[0])]
    assert OWNERS[1] not in shards.data[shard_of(OWNERS[1])]
    assert words in caplog.text
