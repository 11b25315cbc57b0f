"""Own tokens are refused at once when they are of no use any more."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.auth import seals
from imagejob_gateway.auth.sealed import Kind, SealedToken
from imagejob_gateway.auth.seals import SLACK_SECONDS, Seals

if TYPE_CHECKING:
    from collections.abc import Coroutine

OWNER = "0f" * 20


class World:
    def __init__(self) -> None:
        self.now = 1_796_000_000_000
        self.seals = Seals(self._key, secrets.token_bytes, lambda: self.now)

    async def _key(self) -> bytes:
        return b"k" * 32

    def make(self, seconds: int = 60) -> str:
        return run(self.seals.make(Kind.TICKET, OWNER, seconds)).text

    def read(self, text: str) -> SealedToken | None:
        return run(self.seals.read(text, Kind.TICKET))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_a_token_names_its_owner_and_what_is_stored_of_it() -> None:
    world = World()

    new = run(world.seals.make(Kind.TICKET, OWNER, 60))
    found = world.read(new.text)

    assert found
    assert (found.owner, found.digest) == (OWNER, new.digest)


def test_a_token_has_its_end_and_clocks_may_differ() -> None:
    world = World()
    text = world.make(60)

    world.now += (60 + SLACK_SECONDS) * 1000
    assert world.read(text)
    world.now += 1000
    assert world.read(text) is None


def test_what_was_spent_is_refused_until_it_would_be_anyway() -> None:
    world = World()
    one, other = world.make(), world.make()
    found = world.read(one)
    assert found

    world.seals.spend(found)

    assert world.read(one) is None
    assert world.read(other)


def test_no_more_is_remembered_than_has_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST_SPENT", 3)
    world = World()

    def spend(count: int) -> None:
        for _ in range(count):
            found = world.read(world.make())
            assert found
            world.seals.spend(found)

    spend(9)
    assert len(world.seals._spent) == 3
    world.now += (60 + SLACK_SECONDS + 1) * 1000
    spend(1)
    assert len(world.seals._spent) == 1
