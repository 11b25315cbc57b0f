"""The states of an image, from the cache, until it is done or gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.images.following import Progress, follow
from imagejob_gateway.images.kinds import LISTED, Image, ListedImage
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_operator.kube.client import Change

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SOON = 0.001
"""Seconds until a keep-alive, where the test waits for one."""

LONG = 60.0


def body(version: int, phase: str | None = None, uid: str = "uid-a", message: str = "") -> Any:
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "Waits",
        "message": message,
        "lastTransitionTime": "2026-11-22T10:00:00Z",
    }
    status = {"phase": phase, "conditions": [ready]} if phase else {}
    meta = {"name": "a", "namespace": "team-a", "uid": uid, "resourceVersion": str(version)}
    spec = {"source": {"storeRef": {"name": "uploads"}, "key": "k"}}
    return {"metadata": meta, "spec": spec, "status": status}


def image(*args: Any, **given: Any) -> Image:
    return msgspec.convert(body(*args, **given), Image)


def listed(*args: Any, **given: Any) -> ListedImage:
    return msgspec.convert(body(*args, **given), ListedImage)


class World:
    """A cache, and an API server that has `stored`."""

    def __init__(self, stored: Image | None) -> None:
        self.cache = NamespaceCache(None)  # nothing is listed
        self.stored = stored
        self.is_down = False
        self.reads = 0

    async def read(self, name: str) -> Image | None:
        assert name == "a"
        self.reads += 1
        if self.is_down:
            raise ProblemError(ProblemReason.API_SERVER_UNAVAILABLE, "")
        return self.stored

    def hear(self, kind: str, thing: ListedImage) -> None:
        self.cache.hear(LISTED, Change(kind, thing.metadata.resource_version, thing))

    def follow(self, first: Image, seconds: float = LONG) -> AsyncGenerator[Progress | None]:
        return follow(first, self.cache, self.read, seconds)


def phases(states: list[Progress | None]) -> list[str]:
    return [
        "deleted" if each.is_deleted else each.phase if each else "-" for each in states if each
    ]


def test_an_image_that_is_done_has_one_state() -> None:
    async def run() -> list[Progress | None]:
        return [each async for each in World(None).follow(image(5, "Succeeded"))]

    assert asyncio.run(run()) == [Progress(5, "Succeeded", "Waits", "")]


def test_each_state_comes_once_until_the_last() -> None:
    async def run() -> tuple[list[Progress | None], World]:
        world = World(None)
        world.cache.put(listed(5))
        states = world.follow(image(5))
        found = [await anext(states)]
        for version, phase in ((6, None), (7, "Queued"), (8, "Running")):
            world.hear("MODIFIED", listed(version, phase))
            if phase:
                found.append(await anext(states))
        world.hear("MODIFIED", listed(9, "Succeeded"))
        found += [each async for each in states]
        return found, world

    found, world = asyncio.run(run())

    assert phases(found) == ["Pending", "Queued", "Running", "Succeeded"]
    assert [each.version for each in found if each] == [5, 7, 8, 9]
    assert world.cache.followers._events == {}
    assert world.reads == 0


def test_what_changes_while_nobody_asks_is_one_state() -> None:
    async def run() -> list[Progress | None]:
        world = World(None)
        states = world.follow(image(5))
        found = [await anext(states)]
        for version in range(6, 2000):
            world.hear("MODIFIED", listed(version, "Throttled", message=f"{version}th in line"))
        found.append(await anext(states))
        await states.aclose()
        return found

    assert [each.version for each in asyncio.run(run()) if each] == [5, 1999]


def test_a_deletion_is_the_last_state() -> None:
    async def run() -> list[Progress | None]:
        world = World(None)
        world.cache.put(listed(5, "Running"))
        states = world.follow(image(5, "Running"))
        found = [await anext(states)]
        world.hear("DELETED", listed(6, "Running"))
        return [*found, *[each async for each in states]]

    assert phases(asyncio.run(run())) == ["Running", "deleted"]


def test_another_image_of_that_name_is_none_of_its_states() -> None:
    async def run() -> list[Progress | None]:
        world = World(image(9, "Failed", uid="another"))
        world.cache.put(listed(9, "Failed", uid="another"))
        return [each async for each in world.follow(image(5, "Running"))]

    assert phases(asyncio.run(run())) == ["Running", "deleted"]


def test_a_cache_that_is_behind_takes_nothing_back() -> None:
    async def run() -> list[Progress | None]:
        world = World(None)
        world.cache.put(listed(5, "Queued"))
        states = world.follow(image(7, "Running"), SOON)
        found = [await anext(states), await anext(states)]
        world.hear("MODIFIED", listed(8, "Failed"))
        return [each for each in [*found, *[each async for each in states]] if each]

    assert phases(asyncio.run(run())) == ["Running", "Failed"]


def test_an_image_that_the_cache_lacks_is_read_from_the_api_server() -> None:
    async def run() -> list[Progress | None]:
        world = World(image(5, "Queued"))
        states = world.follow(image(5, "Queued"), SOON)
        found = [await anext(states), await anext(states)]
        world.stored = image(6, "Succeeded")
        return [each for each in [*found, *[each async for each in states]] if each]

    assert phases(asyncio.run(run())) == ["Queued", "Succeeded"]


def test_without_an_api_server_a_stream_stays_open() -> None:
    async def run() -> list[Progress | None]:
        world = World(None)
        world.is_down = True
        states = world.follow(image(5, "Queued"), SOON)
        found = [await anext(states), await anext(states), await anext(states)]
        world.is_down = False
        return [each for each in [*found, *[each async for each in states]] if each]

    assert phases(asyncio.run(run())) == ["Queued", "deleted"]


@pytest.mark.parametrize("closed_after", [1, 2])
def test_who_follows_no_more_leaves_nothing(closed_after: int) -> None:
    async def run() -> dict[str, Any]:
        world = World(None)
        world.cache.put(listed(5))
        states = world.follow(image(5), SOON)
        for _ in range(closed_after):
            await anext(states)
        await states.aclose()
        return dict(world.cache.followers._events)

    assert asyncio.run(run()) == {}
