"""An upload and what can fail in it: what is left is what is recorded, and is settled later."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.images.kinds import Image
from imagejob_gateway.images.manifest import NewImage, manifest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state.owner import OwnerState, Upload, decode
from imagejob_gateway.state.shards import shard_of
from imagejob_gateway.state.state import State
from imagejob_gateway.state.sweep import Sweeper
from imagejob_gateway.state.uploads import Lease
from imagejob_gateway.uploads import names
from imagejob_gateway.uploads.attempts import Attempts, LeftUploads
from imagejob_gateway.uploads.body import Body
from imagejob_gateway.uploads.receiver import Received, Receiver
from support.state_shards import RATE, START, MemoryShards
from support.tenant import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

ALICE = Caller("i", "alice", frozenset({Scope.UPLOAD}))
WEB = ProfileSettings("web")
LEASE = Lease(30)
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
        self.receiver = Receiver(
            settings, images, buckets, attempts, lambda _: True, self._check_quota
        )
        self.sweeper = Sweeper(self.state, [LeftUploads(self.state, images, buckets, LEASE)])

    def upload(
        self, data: bytes = picture(), key: str = "", takes: float = 0, caller: Caller = ALICE
    ) -> Received:
        return run(self.receiver.receive(caller, self._body(data, takes), WEB, key))

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


def test_what_is_stored_is_charged_and_nothing_else_is_remembered() -> None:
    world = World()

    image, is_new = world.upload()

    assert is_new
    assert image.spec.source.sha256 == hashlib.sha256(picture()).hexdigest()
    assert world.buckets.objects == {image.spec.source.key: picture()}
    assert (world.charged, world.stored.uploads) == (1, {})


def test_a_limit_is_asked_before_the_body_is_read() -> None:
    world = World()
    for number in range(RATE.jobs):
        world.upload(picture() + bytes([number]))
    world.read = 0

    assert world.refused() is ProblemReason.LIMIT_EXCEEDED
    world.quota = ProblemError(ProblemReason.QUOTA_EXCEEDED, "no")
    assert world.refused() is ProblemReason.QUOTA_EXCEEDED
    assert world.read == 0


def test_what_was_uploaded_is_answered_whatever_limits_say() -> None:
    world = World()
    first = world.upload(key="k")
    world.quota = ProblemError(ProblemReason.QUOTA_EXCEEDED, "no")

    assert world.upload(key="k") == Received(first.image, is_new=False)
    assert world.refused(picture() + b"x", key="k") is ProblemReason.KEY_REUSED
    assert len(world.buckets.objects) == 1


def test_the_same_content_is_not_stored_or_charged_twice() -> None:
    world = World()
    first = world.upload()

    assert world.upload() == Received(first.image, is_new=False)
    assert list(world.buckets.objects) == [first.image.spec.source.key]
    assert (world.charged, world.stored.uploads) == (1, {})


STRANGERS = {
    "another subject": Caller("i", "bob", frozenset({Scope.UPLOAD})),
    "the same subject of another issuer": Caller("j", "alice", frozenset({Scope.UPLOAD})),
    "one with every scope": Caller("i", "root", frozenset({Scope.ALL})),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("key", ["", "k"])
def test_the_same_content_and_key_of_another_are_an_upload_like_any(
    stranger: Caller, key: str
) -> None:
    """So nobody learns by uploading it what somebody else has, or which keys they use."""
    world = World()
    hers = world.upload(key=key)
    cost = len(world.shards.writes)

    theirs = world.upload(key=key, caller=stranger)

    assert theirs.is_new
    assert theirs.image.metadata.name != hers.image.metadata.name
    assert theirs.image.owner == stranger.owner
    assert len(world.buckets.objects) == 2
    assert world.shards.writes[cost:] == [{stranger.owner}] * cost


def test_what_the_client_does_wrong_costs_nothing() -> None:
    world = World()

    assert world.refused(b"This is no picture." * 20) is ProblemReason.UNSUPPORTED_FORMAT
    assert world.stored.is_empty


def test_a_store_that_fails_costs_nothing_either() -> None:
    world = World()
    world.buckets.is_down = True

    assert world.refused() is ProblemReason.STORAGE_UNAVAILABLE
    world.buckets.is_down = False
    world.sweep_later()
    assert world.stored.is_empty


def test_an_imagejob_that_is_refused_leaves_nothing() -> None:
    world = World()
    world.images.fails = {"create"}

    assert world.refused() is ProblemReason.API_SERVER_UNAVAILABLE
    assert world.buckets.objects == {}
    assert world.stored.is_empty


def test_an_imagejob_whose_answer_was_lost_is_removed() -> None:
    world = World()
    world.images.lost = True

    assert world.refused() is ProblemReason.API_SERVER_UNAVAILABLE
    assert (world.images.found, world.buckets.objects) == ({}, {})


def test_what_can_t_be_undone_is_settled_by_the_sweeper() -> None:
    world = World()
    world.images.fails = {"create", "of_upload"}

    world.refused()

    assert (len(world.buckets.objects), world.stored.reserved) == (1, 1)
    world.images.fails = set()
    world.sweep_later()
    assert world.buckets.objects == {}
    assert world.stored.is_empty


def test_a_record_that_was_forged_removes_no_other_object() -> None:
    world = World()
    world.buckets.objects["uploads/1/original"] = picture()
    forged = OwnerState(START, uploads={"2": Upload("", "uploads", "uploads/1/original", START)})
    world.shards.put(shard_of(ALICE.owner), ALICE.owner, forged.encode())

    world.sweep_later()

    assert list(world.buckets.objects) == ["uploads/1/original"]
    assert world.stored.uploads == {}


def test_an_imagejob_that_turns_out_to_be_there_keeps_its_object_and_is_charged() -> None:
    world = World()
    world.images.lost, world.images.fails = True, {"of_upload"}

    world.refused(key="k")
    world.images.lost, world.images.fails = False, set()
    world.sweep_later()

    assert (len(world.buckets.objects), world.charged, world.stored.uploads) == (1, 1, {})
    assert not world.upload(key="k").is_new


def test_a_store_that_was_removed_from_the_settings_holds_nothing_up() -> None:
    world = World()
    world.images.fails = {"create", "of_upload"}
    world.refused()
    world.images.fails, world.buckets.names = set(), ()

    world.sweep_later()

    assert world.stored.is_empty


def test_an_upload_that_was_taken_for_dead_creates_nothing() -> None:
    world = World()

    assert world.refused(takes=LEASE.seconds) is ProblemReason.API_SERVER_UNAVAILABLE
    assert (world.images.found, world.buckets.objects) == ({}, {})


def test_a_name_that_somebody_else_has_taken_is_refused() -> None:
    world = World()
    sha256 = hashlib.sha256(picture()).hexdigest()
    name = names.name_of_content(ALICE.owner, "web", sha256)
    world.images.put(
        NewImage(name, "0" * 40, "web", "uploads", "theirs", sha256, "i#x", upload="x")
    )

    assert world.refused() is ProblemReason.NAME_TAKEN
    assert world.buckets.objects == {}
    assert name in world.images.found
    key = names.name_of_key(ALICE.owner, "k")
    new = NewImage(key, "0" * 40, "web", "uploads", "theirs", sha256, "i#x", upload="y")
    world.images.put(new)
    assert world.refused(key="k") is ProblemReason.NAME_TAKEN
