"""Work that runs while a lease is held, on the real clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.kube.lease_lock import LeaseLostError
from support.lease_world import SLOW

if TYPE_CHECKING:
    from support.lease_world import Play, World

RENEWALS = 4
SECONDS = 30.0


def test_work_is_done_by_one_after_the_other_and_released_when_it_has_ended(play: Play) -> None:
    async def story(world: World) -> None:
        done: list[tuple[str, str]] = []

        async def work(identity: str) -> None:
            done.append((identity, world.lease["holderIdentity"]))

        await asyncio.gather(
            *(world.operator(name).lead(lambda name=name: work(name)) for name in ("one", "two"))
        )

        assert sorted(done) == [("one", "one"), ("two", "two")]
        assert "holderIdentity" not in world.lease

    play(story)


def test_an_error_of_the_work_is_passed_on_and_the_lease_released(play: Play) -> None:
    async def story(world: World) -> None:
        async def fail() -> None:
            raise ApiError(0, "nobody foresaw this")

        with pytest.raises(ApiError, match="nobody foresaw"):
            await world.operator("one").lead(fail)

        assert "holderIdentity" not in world.lease

    play(story)


def test_work_is_cancelled_when_the_lease_is_lost(play: Play) -> None:
    async def story(world: World) -> None:
        ended: list[str] = []

        async def work() -> None:
            world.delete_lease()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("work")

        with pytest.raises(LeaseLostError):
            await world.operator("one").lead(work)

        assert ended == ["work"]

    play(story)


def test_a_slow_api_server_lets_the_lease_be_taken_renewed_and_released(play: Play) -> None:
    """Of the 15 s of a default Lease, each request may take nearly 5."""

    async def story(world: World) -> None:
        async def work() -> None:
            renewals = set()
            while len(renewals) < RENEWALS:
                renewals.add(world.lease["renewTime"])
                await asyncio.sleep(0)

        async with asyncio.timeout(SECONDS):
            await world.operator_slow("one", 0.7 * SLOW.patience).lead(work)

        assert "holderIdentity" not in world.lease

    play(story)


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_leader_that_was_paused_while_it_renewed_goes_on(
    play: Play, *, is_answered: bool
) -> None:
    async def story(world: World) -> None:
        async def work() -> None:
            first = world.lease["renewTime"]
            renewals = {first}
            while len(renewals) < RENEWALS:
                renewals.add(world.lease["renewTime"])
                await asyncio.sleep(0)

        await world.operator_paused("one", is_answered=is_answered).lead(work)

        assert world.lease.get("leaseTransitions", 0) == 0

    play(story)


def test_a_cancelled_standby_ends_immediately(play: Play) -> None:
    async def story(world: World) -> None:
        await world.candidate("one").take()
        standby = world.operator("two")
        standing_by = asyncio.create_task(standby.lead(_never))
        while standby.leader != "one":
            await asyncio.wait((standing_by,), timeout=0.01)

        standing_by.cancel()

        with pytest.raises(asyncio.CancelledError):
            await standing_by
        assert world.lease["holderIdentity"] == "one"

    play(story)


async def _never() -> None:
    raise AssertionError("it does not lead")
