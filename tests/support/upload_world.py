"""Uploads to a gateway whose API server and store are in memory, and fail as a test says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.images.kinds import Image
from imagejob_gateway.images.manifest import NewImage, manifest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state.owner import OwnerState, decode
from imagejob_gateway.state.shards import shard_of
from imagejob_gateway.state.state import State
from imagejob_gateway.state.sweep import Sweeper
from imagejob_gateway.state.uploads import Lease
from imagejob_gateway.uploads.attempts import Attempts, LeftUploads
from imagejob_gateway.uploads.body import Body
from imagejob_gateway.uploads.receiver import Received, Receiver
from imagejob_gateway.uploads.tally import Tally
from imagejob_operator.quota.rates import Rate

from support.state_shards import RATE, START, MemoryShards
from support.tenant import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

ALICE = Caller("i", "alice", frozenset({Scope.UPLOAD}))
WEB = ProfileSettings("web")
LEASE = Lease(30)
RETRIES = Rate(5, "1h")
DOWN = ProblemError(ProblemReason.API_SERVER_UNAVAILABLE, "down")


@dataclass
class Images:
    """ImageJobs by name. `fails` are methods that do; a create that is `lost` has its effect."""

    found: dict[str, Image] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    lost: bool = False

    async def read(self, name: str) -> Image | None:
        self._check("read")
        return self.found.get(name)

    async def create(self, new: NewImage, seconds: float) -> Image | None:
        assert seconds <= LEASE.seconds
        self._check("create")
        if new.name in self.found:
            return None
        self.put(new)
        if self.lost:
            raise DOWN
        return self.found[new.name]

    async def of_upload(self, upload: str) -> Image | None:
        self._check("of_upload")
        return self.found.get(self.uploads.get(upload, ""))

    async def delete(self, name: str, uid: str) -> bool:
        assert uid
        self._check("delete")
        return self.found.pop(name, None) is not None

    def put(self, new: NewImage) -> None:
        body = manifest(new, "team-a")
        body["metadata"]["uid"] = "u-1"
        self.found[new.name] = msgspec.convert(body, Image)
        self.uploads[new.upload] = new.name

    def _check(self, method: str) -> None:
        if method in self.fails:
            raise DOWN


@dataclass
class Buckets:
    """One bucket."""

    objects: dict[str, bytes] = field(default_factory=dict)
    names: tuple[str, ...] = ("uploads",)
    is_down: bool = False

    def open(self, _: str) -> Buckets:
        return self

    async def put(self, key: str, _: str, __: int, chunks: AsyncIterator[bytes]) -> None:
        data = b"".join([chunk async for chunk in chunks])
        self._check()
        self.objects[key] = data

    async def remove(self, key: str) -> None:
        self._check()
        self.objects.pop(key, None)

    def _check(self) -> None:
        if self.is_down:
            raise ProblemError(ProblemReason.STORAGE_UNAVAILABLE, "down")


class World:
    """A gateway whose API server and store are in memory."""

    def __init__(self) -> None:
        self.images, self.buckets, self.shards = Images(), Buckets(), MemoryShards()
        self.now = 0.0
        self.quota: ProblemError | None = None
        self.read = 0
        ids = iter(range(100))
        self.state = State(cast("Any", self.shards), RATE, lambda: START + round(self.now * 1000))
        attempts = Attempts(self.state, RATE, LEASE, lambda: f"{next(ids):024x}", lambda: self.now)
        settings = Settings(
            "team-a", (StoreSettings("uploads", "/s"),), (WEB,), (IssuerSettings("i", "a", "/k"),)
        )
        images, buckets = cast("Any", self.images), cast("Any", self.buckets)
        retries = Tally("retries", RETRIES, lambda: round(self.now * 1000))
        self.receiver = Receiver(
            settings, images, buckets, attempts, retries, lambda _: True, self._check_quota
        )
        self.sweeper = Sweeper(self.state, [LeftUploads(self.state, images, buckets, LEASE)])

    def upload(
        self, data: bytes = picture(), key: str = "", takes: float = 0, caller: Caller = ALICE
    ) -> Received:
        return run(self.receiver.receive(caller, self._body(data, takes), WEB, key))

    def at_once(self, count: int, key: str) -> list[Received | BaseException]:
        """Upload the same so many times at once."""

        async def gathered() -> list[Received | BaseException]:
            bodies = (self._body(picture(), 0) for _ in range(count))
            return await asyncio.gather(
                *(self.receiver.receive(ALICE, body, WEB, key) for body in bodies),
                return_exceptions=True,
            )

        found: list[Received | BaseException] = run(gathered())
        return found

    def refused(self, data: bytes = picture(), key: str = "", takes: float = 0) -> ProblemReason:
        with pytest.raises(ProblemError) as caught:
            self.upload(data, key, takes)
        return caught.value.problem.reason

    @property
    def stored(self) -> OwnerState:
        return decode(self.shards.data.get(shard_of(ALICE.owner), {}).get(ALICE.owner, ""))

    @property
    def charged(self) -> int:
        return sum(count for _, count in self.stored.admissions.history.slots)

    def sweep_later(self) -> None:
        self.now += 1000
        run(self.sweeper.sweep())

    def _body(self, data: bytes, takes: float) -> Body:
        async def chunks() -> AsyncIterator[bytes]:
            self.read += 1
            yield data[:100]
            self.now += takes
            yield data[100:]

        return Body("image/jpeg", len(data), chunks(), {})

    def _check_quota(self) -> None:
        if self.quota:
            raise self.quota


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)
