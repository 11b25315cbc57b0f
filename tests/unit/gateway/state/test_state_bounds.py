"""What one owner, and all of a shard, may have: nobody fills it alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import state as states
from imagejob_gateway.state.owner import OwnerState, Upload
from imagejob_gateway.state.shards import shard_of
from support.state_shards import START
from support.state_world import ALICE, NEIGHBOUR, World, outcomes, run


def fill(count: int) -> Any:
    uploads = {
        f"{n:024d}": Upload("", "s", f"uploads/{n:024d}/original", START) for n in range(count)
    }
    return lambda state, _: (OwnerState(state.as_of, state.admissions, uploads), None)


def more(count: int) -> Any:
    def decide(state: OwnerState, now: int) -> Any:
        return (state, None) if len(state.uploads) >= count else fill(count)(state, now)

    return decide


def test_an_owner_who_fills_its_part_locks_out_nobody() -> None:
    world = World()
    most = states.OWNER_BYTES // len(
        OwnerState(uploads=fill(1)(OwnerState(), 0)[0].uploads).encode()
    )

    async def use() -> list[ProblemReason | int]:
        await world.state.change(ALICE, fill(most))
        with pytest.raises(ProblemError) as caught:
            await world.state.change(ALICE, fill(3 * most))
        return [caught.value.problem.reason, *await outcomes(world.state, [NEIGHBOUR])]

    assert run(use()) == [ProblemReason.STATE_FULL, 3]
    assert len(world.stored().uploads) == most


def test_many_owners_who_take_all_they_can_leave_room_for_those_who_need_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(states, "SHARD_BYTES", 96 * 1024)
    world = World()
    greedy = [owner for n in range(640) if shard_of(owner := f"{n:040d}") == shard_of(ALICE)]

    async def use() -> list[ProblemReason | int]:
        for count in (100, 50, 25, 12, 6, 3, 2, 1):
            changes = (world.state.change(owner, more(count)) for owner in greedy)
            await asyncio.gather(*changes, return_exceptions=True)
        return await outcomes(world.state, [ALICE])

    found = run(use())

    assert len(greedy) > 30
    assert found == [3]
    assert world.shards.data[shard_of(ALICE)].keys() >= set(greedy)


def test_letters_are_counted_as_the_bytes_that_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject may have 255 of four bytes, and a ConfigMap no more than a mebibyte."""
    monkeypatch.setattr(states, "SHARD_BYTES", 32 * 1024)
    world = World()
    names = [owner for n in range(1600) if shard_of(owner := f"{n:040d}") == shard_of(ALICE)]

    async def use() -> None:
        named = ((OwnerState(name="🙂" * 255), None) for _ in names)
        changes = (
            world.state.change(owner, lambda _, __, new=new: new)
            for owner, new in zip(names, named, strict=True)
        )
        await asyncio.gather(*changes, return_exceptions=True)

    run(use())

    data = world.shards.data[shard_of(ALICE)]
    assert sum(len(f"{owner}{text}".encode()) for owner, text in data.items()) <= states.SHARD_BYTES


def test_a_full_shard_takes_less_and_not_more() -> None:
    world = World()
    world.shards.put(shard_of(ALICE), "junk", "x" * states.SHARD_BYTES)
    few = OwnerState(as_of=START, uploads=fill(2)(OwnerState(), 0)[0].uploads)
    world.shards.put(shard_of(NEIGHBOUR), NEIGHBOUR, few.encode())

    async def use() -> list[ProblemReason | int]:
        await world.state.change(NEIGHBOUR, fill(1))
        return await outcomes(world.state, [ALICE])

    assert run(use()) == [ProblemReason.STATE_FULL]
    assert len(world.stored(NEIGHBOUR).uploads) == 1
