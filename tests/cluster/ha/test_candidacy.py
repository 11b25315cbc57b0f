"""Candidates for one Lease, on a clock that the tests control."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.kube.errors import ConflictError, FencedError, UnreachableError
from imagejob_operator.kube.lease_lock import LeaseLostError
from support.lease_world import SECONDS

if TYPE_CHECKING:
    from support.lease_world import Play, World


def test_the_first_takes_it_and_another_waits_until_it_has_run_out(play: Play) -> None:
    async def story(world: World) -> None:
        one, two = world.candidate("one"), world.candidate("two")

        assert await one.take()
        assert not await two.take()
        world.now += SECONDS - 0.1
        assert not await two.take()
        world.now += 0.1
        assert await two.take()
        assert (two.holder, world.lease["leaseTransitions"]) == ("two", 1)

    play(story)


def test_a_renewal_makes_others_wait_anew(play: Play) -> None:
    async def story(world: World) -> None:
        one, two = world.candidate("one"), world.candidate("two")
        await one.take()
        await two.take()

        world.now += SECONDS - 1
        await one.renew()
        world.now += SECONDS - 1

        assert not await two.take()  # which sees the renewal only now
        world.now += SECONDS - 1
        assert not await two.take()

    play(story)


def test_a_renewal_and_a_release_are_one_request_each(play: Play) -> None:
    async def story(world: World) -> None:
        connection = world.recorded()
        one = world.candidate("one", connection)
        await one.take()
        await one.renew()
        await one.renew()
        await one.release()

        assert connection.methods == ["GET", "POST", "PATCH", "PATCH", "PATCH"]
        assert "holderIdentity" not in world.lease

    play(story)


@pytest.mark.parametrize("ends", [False, True])
def test_after_a_renewal_without_an_answer_one_request_suffices(play: Play, *, ends: bool) -> None:
    async def story(world: World) -> None:
        connection = world.recorded()
        one = world.candidate("one", connection)
        await one.take()
        connection.loses_an_answer = True
        with pytest.raises(UnreachableError):
            await one.renew()
        connection.methods.clear()

        await (one.release() if ends else one.renew())

        assert connection.methods == ["PATCH"]
        assert world.lease.get("holderIdentity") == (None if ends else "one")

    play(story)


def test_a_newcomer_waits_for_a_whole_lease_whatever_times_it_shows(play: Play) -> None:
    async def story(world: World) -> None:
        await world.candidate("one").take()
        world.now += 10 * SECONDS

        assert not await world.candidate("two").take()

    play(story)


def test_released_it_is_taken_at_once(play: Play) -> None:
    async def story(world: World) -> None:
        one, two = world.candidate("one"), world.candidate("two")
        await one.take()
        await two.take()

        await one.release()

        assert "holderIdentity" not in world.lease
        assert await two.take()

    play(story)


def test_who_holds_nothing_releases_nothing(play: Play) -> None:
    async def story(world: World) -> None:
        one, two = world.candidate("one"), world.candidate("two")
        await one.take()
        await two.take()

        await two.release()

        assert world.lease["holderIdentity"] == "one"

    play(story)


def test_of_two_who_take_it_at_once_one_does(play: Play) -> None:
    async def story(world: World) -> None:
        rivals = [world.candidate(f"rival-{number}") for number in range(8)]

        taken = await asyncio.gather(*(rival.take() for rival in rivals), return_exceptions=True)

        assert taken.count(True) == 1
        assert all(one in (True, False) or isinstance(one, ConflictError) for one in taken)

    play(story)


def test_a_restarted_container_waits_for_the_lease_of_its_predecessor(play: Play) -> None:
    async def story(world: World) -> None:
        await world.candidate("one").take()
        again = world.candidate("one")

        assert not await again.take()
        world.now += SECONDS
        assert await again.take()

    play(story)


def test_it_is_lost_to_whoever_took_it(play: Play) -> None:
    async def story(world: World) -> None:
        one, two = world.candidate("one"), world.candidate("two")
        await one.take()
        await two.take()
        world.now += SECONDS
        await two.take()

        with pytest.raises(LeaseLostError, match="held by two"):
            await one.renew()
        await one.release()

        assert world.lease["holderIdentity"] == "two"

    play(story)


def test_it_is_lost_when_somebody_deletes_the_lease(play: Play) -> None:
    async def story(world: World) -> None:
        one = world.candidate("one")
        await one.take()
        world.delete_lease()

        with pytest.raises(LeaseLostError, match="deleted or released"):
            await one.renew()
        assert await world.candidate("two").take()

    play(story)


def test_the_fence_is_open_for_as_long_as_nobody_else_can_hold_it(play: Play) -> None:
    async def story(world: World) -> None:
        one = world.candidate("one")
        with pytest.raises(FencedError):
            one.fence()

        await one.take()
        world.now += SECONDS - 0.1
        one.fence()
        world.now += 0.1
        with pytest.raises(FencedError):
            one.fence()

        await one.renew()
        one.fence()
        await one.release()
        with pytest.raises(FencedError):
            one.fence()

    play(story)
