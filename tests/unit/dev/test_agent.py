"""How the process node follows its pods through hours of ending watches and outages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from imagejob_dev.processnode import agent as agents
from imagejob_dev.processnode import registration
from imagejob_dev.processnode.agent import Agent
from imagejob_dev.processnode.api import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from imagejob_dev.guard import Guard
    from imagejob_dev.processnode.api import Api

Object = dict[str, Any]
SECONDS = 5.0


class Script:
    """An API server with scripted responses, which records the requested versions."""

    def __init__(self, *steps: Object | list[Object] | Exception) -> None:
        self._steps = list(steps)
        self.watched: list[str] = []
        self.over = asyncio.Event()

    async def get(self, _: str) -> Object:
        step = await self._next()
        assert isinstance(step, dict)
        return step

    async def watch(self, _: str, version: str) -> AsyncIterator[Object]:
        self.watched.append(version)
        events = await self._next()
        assert isinstance(events, list)
        for event in events:
            yield event

    async def _next(self) -> Object | list[Object]:
        if not self._steps:
            self.over.set()
            await asyncio.Event().wait()
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


class Runner:
    """Replaces a pod's runner: records its calls."""

    told: list[str]
    logs = Path("unused")

    def __init__(self, pod: Object, *_: object) -> None:
        self._uid = pod["metadata"]["uid"]
        self.told.append(f"new {self._uid}")

    async def run(self) -> None:
        pass

    def update(self, pod: Object) -> None:
        self.told.append(f"update {pod['metadata']['uid']}")

    def vanish(self) -> None:
        self.told.append(f"vanish {self._uid}")


def pod(uid: str, version: str = "1") -> Object:
    name = {"name": uid, "namespace": "default", "uid": uid, "resourceVersion": version}
    return {"metadata": name, "status": {}}


def listing(version: str, *uids: str) -> Object:
    return {"metadata": {"resourceVersion": version}, "items": [pod(uid) for uid in uids]}


def event(kind: str, uid: str, version: str) -> Object:
    return {"type": kind, "object": pod(uid, version)}


GONE = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}


def follow(script: Script, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runners' calls until the script is over."""
    monkeypatch.setattr(agents, "PodRunner", Runner)
    monkeypatch.setattr(agents, "FIRST_RETRY", 0.0)
    Runner.told = []
    asyncio.run(_until_over(script))
    return Runner.told


async def _until_over(script: Script) -> None:
    agent = Agent(cast("Api", script), Path("unused"), cast("Guard", None), "n1")
    following = asyncio.create_task(agent.follow())
    await asyncio.wait_for(script.over.wait(), SECONDS)
    following.cancel()


def test_a_watch_that_ends_resumes_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(
        listing("5"),
        [event("ADDED", "a", "6"), event("BOOKMARK", "", "9")],
        [event("MODIFIED", "a", "10"), event("DELETED", "a", "11")],
    )

    told = follow(script, monkeypatch)

    assert told == ["new a", "update a", "vanish a"]
    assert script.watched == ["5", "9", "11"]


@pytest.mark.parametrize("end", [[GONE], Refused(410, "gone"), ConnectionResetError()])
def test_what_was_missed_is_found_by_listing_again(
    end: list[Object] | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(listing("5", "a", "b"), end, listing("20", "b", "c"))

    told = follow(script, monkeypatch)

    assert told == ["new a", "new b", "vanish a", "update b", "new c"]
    assert script.watched == ["5", "20"]


def test_an_outage_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    down = ConnectionRefusedError()

    told = follow(Script(down, down, down, listing("5", "a")), monkeypatch)

    assert told == ["new a"]


def test_heartbeats_go_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "HEARTBEAT_SECONDS", 0.0)
    beats: list[str] = []

    class Flaky:
        """Fails at first; ends the heartbeats after three."""

        async def patch(self, path: str, *_: object) -> Object:
            beats.append(path)
            if len(beats) == 1:
                raise ConnectionResetError
            if len(beats) == 3:
                raise asyncio.CancelledError
            return {}

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(registration.keep_alive(cast("Api", Flaky()), "n1"))

    status, lease = f"{registration.NODES}/n1/status", f"{registration.LEASES}/n1"
    assert beats == [status, status, lease]
