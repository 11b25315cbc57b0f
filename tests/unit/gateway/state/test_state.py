"""Changes of states by compare-and-swap: what is written together, and what is never lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import limit
from imagejob_gateway.state import state as states
from imagejob_gateway.state.owner import OwnerState, Upload, decode
from imagejob_gateway.state.shards import Stored, patch, shard_of
from imagejob_gateway.state.state import State
from imagejob_operator.kube.errors import ApiError, NotFoundError, UnreachableError
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


def test_changes_that_wait_together_are_written_in_one_update() -> None:
    world = World()

    found = run(outcomes(world.state, [ALICE, NEIGHBOUR, ALICE, ALICE, ALICE]))

    assert found == [3, 3, 2, 1, ProblemReason.LIMIT_EXCEEDED]
    assert world.shards.writes == [{ALICE, NEIGHBOUR}]
    assert admitted(world.stored()) == 3


def test_two_gateways_admit_exactly_the_limit() -> None:
    one = World()
    other = World(one.shards)

    async def both() -> list[ProblemReason | int]:
        each = (outcomes(world.state, [ALICE]) for world in (one, other) for _ in range(20))
        return [found for few in await asyncio.gather(*each) for found in few]

    found = run(both())

    assert sum(isinstance(each, int) for each in found) == RATE.jobs
    assert admitted(one.stored()) == RATE.jobs


def test_a_refusal_is_never_decided_on_what_is_out_of_date() -> None:
    one = World()
    other = World(one.shards)

    async def use() -> int:
        await outcomes(one.state, [ALICE] * 3)
        await other.state.change(ALICE, lambda *_: (OwnerState(), None))
        return await one.state.change(ALICE, charge)

    assert run(use()) == 3


def test_what_another_writes_meanwhile_is_kept() -> None:
    world = World()
    full = limit.charged(limit.charged(OwnerState(as_of=START)))
    shard = shard_of(ALICE)

    def others() -> None:
        world.shards.between = lambda: None
        world.shards.put(shard, ALICE, full.encode())

    world.shards.between = others

    assert run(outcomes(world.state, [ALICE, ALICE])) == [1, ProblemReason.LIMIT_EXCEEDED]
    assert admitted(world.stored()) == 3


def test_nothing_is_admitted_while_the_api_server_fails() -> None:
    world = World()
    world.shards.failure = UnreachableError("down")

    assert run(outcomes(world.state, [ALICE])) == [ProblemReason.API_SERVER_UNAVAILABLE]
    world.shards.failure = None
    assert run(outcomes(World(world.shards).state, [ALICE])) == [3]


def test_a_write_without_an_answer_is_seen_by_the_next() -> None:
    world = World()
    world.shards.lost = 1

    async def use() -> list[list[ProblemReason | int]]:
        return [await outcomes(world.state, [ALICE]) for _ in range(2)]

    assert run(use()) == [[ProblemReason.API_SERVER_UNAVAILABLE], [2]]


def test_a_client_that_goes_away_ends_nobody_elses_change() -> None:
    world = World()

    async def use() -> list[ProblemReason | int]:
        gone = asyncio.create_task(world.state.change(ALICE, charge))
        stays = asyncio.create_task(outcomes(world.state, [NEIGHBOUR]))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert run(use()) == [3]


def test_the_api_server_that_is_always_ahead_is_given_up() -> None:
    world = World()
    world.shards.between = lambda: world.shards.put(shard_of(ALICE), NEIGHBOUR, "")

    assert run(outcomes(world.state, [ALICE])) == [ProblemReason.API_SERVER_UNAVAILABLE]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"asOf":"x"}', '{"later":1}', '{"admissions":{"at":1,"text":"?"}}']
)
def test_what_somebody_else_wrote_stops_only_that_owner(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.shards.put(shard_of(ALICE), ALICE, text)

    found = run(outcomes(world.state, [ALICE, NEIGHBOUR]))

    assert found == [ProblemReason.STATE_UNREADABLE, 3]
    assert world.shards.data[shard_of(ALICE)][ALICE] == text
    assert ALICE in caplog.text


def test_without_its_configmap_nothing_is_admitted() -> None:
    world = World()
    world.shards.failure = NotFoundError(404, "not found")

    assert run(outcomes(world.state, [ALICE])) == [ProblemReason.STATE_UNREADABLE]


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


def test_what_is_over_is_dropped_with_the_next_look() -> None:
    world = World()

    async def use() -> dict[str, OwnerState]:
        await outcomes(world.state, [ALICE, NEIGHBOUR])
        world.now += 2 * RATE.window
        return await world.state.read_shard(shard_of(ALICE))

    assert all(state.is_empty for state in run(use()).values())
    assert world.shards.data[shard_of(ALICE)] == {}


def test_a_patch_names_its_version_and_single_entries() -> None:
    known = Stored("7", {"a": "1", "b": "2"}, has_data=True)

    assert patch(known, {"a": "", "b": "3", "c": ""}) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "remove", "path": "/data/a"},
        {"op": "add", "path": "/data/b", "value": "3"},
    ]
    assert patch(Stored("7", {}, has_data=False), {"a": "1"})[1:] == [
        {"op": "add", "path": "/data", "value": {}},
        {"op": "add", "path": "/data/a", "value": "1"},
    ]


def test_a_bug_is_raised_where_it_was_asked_for() -> None:
    world = World()

    def bug(_: OwnerState, __: int) -> tuple[OwnerState, None]:
        raise ZeroDivisionError

    async def use() -> list[ProblemReason | int]:
        failing = asyncio.create_task(world.state.change(ALICE, bug))
        found = await outcomes(world.state, [ALICE])
        with pytest.raises(ZeroDivisionError):
            await failing
        return found

    assert run(use()) == [3]


def test_another_failure_of_the_api_server_is_no_conflict() -> None:
    world = World()
    world.shards.failure = ApiError(403, "forbidden")

    assert run(outcomes(world.state, [ALICE])) == [ProblemReason.API_SERVER_UNAVAILABLE]
