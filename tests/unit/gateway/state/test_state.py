"""Changes of states by compare-and-swap: what is written together, and what is never lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from imagejob_gateway.problem import ProblemReason
from imagejob_gateway.state import limit
from imagejob_gateway.state.owner import OwnerState
from imagejob_gateway.state.shards import Stored, patch, shard_of
from imagejob_operator.kube.errors import ApiError, NotFoundError, UnreachableError
from support.state_shards import RATE, START
from support.state_world import ALICE, NEIGHBOUR, World, admitted, charge, outcomes, run

if TYPE_CHECKING:
    pass


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
