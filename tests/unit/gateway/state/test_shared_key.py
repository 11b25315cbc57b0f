"""The key of own tokens: one for all replicas, made once, and read now and then."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.problem import ProblemError
from imagejob_gateway.state.shards import Stored, shard_of
from imagejob_gateway.state.shared_key import GATEWAY, PAUSE_SECONDS, SECONDS, SharedKey
from imagejob_gateway.state.state import State
from imagejob_operator.kube.errors import UnreachableError
from support.state_shards import RATE, START, MemoryShards

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Replica:
    """One gateway's key, at a time in seconds."""

    def __init__(self, shards: MemoryShards) -> None:
        fake: Any = shards
        self.now = 0.0
        state = State(fake, RATE, lambda: START + round(self.now * 1000))
        self.key = SharedKey(state, secrets.token_bytes, lambda: self.now)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_replicas_that_make_it_at_once_have_one_key() -> None:
    shards = MemoryShards()
    one, other = Replica(shards), Replica(shards)

    async def both() -> list[bytes]:
        return await asyncio.gather(*(each.key.current() for each in (one, other, one)))

    found = run(both())

    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert len(shards.writes) == 1


def test_it_is_read_once_in_a_while_however_many_ask() -> None:
    shards = MemoryShards()
    replica = Replica(shards)
    run(replica.key.current())
    reads = shards.reads

    async def many() -> None:
        await asyncio.gather(*(replica.key.current() for _ in range(1000)))

    run(many())
    assert shards.reads == reads
    replica.now += SECONDS
    run(many())
    assert shards.reads == reads + 1


def test_one_that_was_deleted_is_made_anew() -> None:
    shards = MemoryShards()
    one, other = Replica(shards), Replica(shards)
    old = run(one.key.current())
    shards.data.clear()
    shards.versions[shard_of(GATEWAY)] += 1

    new = run(other.key.current())
    one.now += SECONDS

    assert run(one.key.current()) == new != old


def test_tokens_outlive_an_entry_that_was_lost() -> None:
    """Their owners' states may be in other ConfigMaps."""
    shards = MemoryShards()
    one, other, newcomer = Replica(shards), Replica(shards), Replica(shards)
    key = run(one.key.current())
    assert run(other.key.current()) == key
    shards.data.clear()
    shards.versions[shard_of(GATEWAY)] += 1

    for each in (one, other):
        each.now += SECONDS
    found = [run(each.key.current()) for each in (one, other, newcomer)]

    assert found == [key] * 3


def test_without_a_key_failures_are_not_tried_again_at_once() -> None:
    shards = MemoryShards()
    replica = Replica(shards)
    shards.failure = UnreachableError("down")

    def fails() -> None:
        with pytest.raises(ProblemError):
            run(replica.key.current())

    fails()
    reads = shards.reads
    for _ in range(5):
        fails()
    assert shards.reads == reads

    replica.now += PAUSE_SECONDS
    fails()
    assert shards.reads > reads


def test_nobody_waits_while_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shards = MemoryShards()
    replica = Replica(shards)
    key = run(replica.key.current())
    replica.now += SECONDS

    async def use() -> bytes:
        is_back, read = asyncio.Event(), shards.read

        async def slow(shard: int) -> Stored:
            await is_back.wait()
            return await read(shard)

        monkeypatch.setattr(shards, "read", slow)
        reading = asyncio.create_task(replica.key.current())
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            found = await replica.key.current()
            assert not reading.done()
            is_back.set()
            await reading
        return found

    assert run(use()) == key


def test_while_the_api_server_fails_the_last_one_serves() -> None:
    shards = MemoryShards()
    replica = Replica(shards)
    shards.failure = UnreachableError("down")
    with pytest.raises(ProblemError):
        run(replica.key.current())
    shards.failure = None
    replica.now += PAUSE_SECONDS
    key = run(replica.key.current())
    shards.failure = UnreachableError("down")
    replica.now += SECONDS

    assert run(replica.key.current()) == key
