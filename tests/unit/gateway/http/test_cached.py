"""A value that requests share: made once in a while, by one of them."""

from __future__ import annotations

import asyncio

import pytest
from imagejob_gateway.http.cached import Cached
from support.asgi import BUG


class Source:
    """Counts how often it is asked; fails while it is `broken`."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 100.0
        self.broken = False

    async def make(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.broken:
            raise RuntimeError(BUG)
        return self.asked


def test_many_at_once_share_one_value_until_it_is_old() -> None:
    source = Source()

    async def run() -> list[list[int]]:
        cached = Cached(source.make, 2.0, lambda: source.now)
        found = [await asyncio.gather(*(cached.get() for _ in range(5)))]
        source.now += 1.9
        found.append([await cached.get()])
        source.now += 0.1
        found.append([await cached.get()])
        return found

    assert asyncio.run(run()) == [[1] * 5, [1], [2]]


def test_a_failure_is_not_kept() -> None:
    source = Source()

    async def run() -> int:
        cached = Cached(source.make, 2.0, lambda: source.now)
        source.broken = True
        with pytest.raises(RuntimeError, match=BUG):
            await cached.get()
        source.broken = False
        return await cached.get()

    assert asyncio.run(run()) == 2


def test_who_came_while_it_was_made_waits_for_no_second_one() -> None:
    """A store that answers late would have each wait for those before it."""
    source = Source()

    async def slow() -> int:
        source.now += 60.0
        return await source.make()

    async def run() -> list[int]:
        cached = Cached(slow, 2.0, lambda: source.now)
        return await asyncio.gather(*(cached.get() for _ in range(5)))

    assert asyncio.run(run()) == [1] * 5


def test_others_get_it_when_the_first_who_asked_goes_away() -> None:
    source = Source()

    async def run() -> int:
        cached = Cached(source.make, 2.0, lambda: source.now)
        first, other = (asyncio.create_task(cached.get()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return await other

    assert asyncio.run(run()) == 1
