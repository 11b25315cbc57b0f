"""Shards in memory, in place of ConfigMaps: they compare versions, and do as they are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagejob_gateway.state.shards import Stored
from imagejob_operator.kube.errors import ApiError, ConflictError, UnreachableError
from imagejob_operator.quota.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RATE = Rate(3, "1h")
START = 1_796_000_000_000


class MemoryShards:
    """In place of Shards. `between` runs before each write, as another gateway would.

    With `failure`, requests fail; with `lost`, writes are done and their answers lost.
    """

    def __init__(self) -> None:
        self.data: dict[int, dict[str, str]] = {}
        self.versions: dict[int, int] = {}
        self.reads = 0
        self.writes: list[set[str]] = []
        self.between: Callable[[], None] = lambda: None
        self.failure: ApiError | None = None
        self.lost = 0

    def put(self, shard: int, owner: str, text: str) -> None:
        self.data.setdefault(shard, {})[owner] = text
        self.versions[shard] = self.versions.get(shard, 0) + 1

    async def read(self, shard: int) -> Stored:
        await asyncio.sleep(0)
        self.reads += 1
        if self.failure:
            raise self.failure
        return self._stored(shard)

    async def write(self, shard: int, known: Stored, changed: Mapping[str, str]) -> Stored:
        await asyncio.sleep(0)
        self.between()
        if self.failure:
            raise self.failure
        if known.version != str(self.versions.get(shard, 0)):
            raise ConflictError(409, "it has changed")
        self.writes.append(set(changed))
        for owner, text in changed.items():
            self.put(shard, owner, text)
            if not text:
                del self.data[shard][owner]
        if self.lost:
            self.lost -= 1
            raise UnreachableError("no answer")
        return self._stored(shard)

    def _stored(self, shard: int) -> Stored:
        version = str(self.versions.get(shard, 0))
        return Stored(version, dict(self.data.get(shard, {})), has_data=True)
