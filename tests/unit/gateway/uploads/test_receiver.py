"""An upload and what can fail in it: what is left is what is recorded, and is settled later."""

from __future__ import annotations

import hashlib

import pytest
from imagejob_gateway.auth.caller import Caller, Scope
from imagejob_gateway.images.manifest import NewImage
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state.owner import OwnerState, Upload
from imagejob_gateway.state.shards import shard_of
from imagejob_gateway.uploads import names
from imagejob_gateway.uploads.receiver import Received
from support.state_shards import RATE, START
from support.tenant import picture
from support.upload_world import ALICE, LEASE, RETRIES, World


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


def in_vain(world: World, how: str) -> None:
    """One upload that makes no new image, through no fault of ours."""
    if how == "not an image":
        assert world.refused(b"This is no picture." * 20) is ProblemReason.UNSUPPORTED_FORMAT
    elif how == "another image under a key":
        assert world.refused(picture() + b"x", key="k") is ProblemReason.KEY_REUSED
    else:
        assert not world.upload(key="k" if how == "again under a key" else "").is_new


VAIN = ["not an image", "again under a key", "another image under a key", "again"]


@pytest.mark.parametrize("how", VAIN)
def test_what_is_worked_for_in_vain_is_bounded(how: str) -> None:
    world = World()
    world.upload()
    world.upload(key="k")
    for _ in range(RETRIES.jobs):
        in_vain(world, how)
    world.read, writes = 0, len(world.shards.writes)

    assert world.refused(key="k") is ProblemReason.TOO_MANY_REQUESTS
    assert world.refused(picture() + b"y") is ProblemReason.TOO_MANY_REQUESTS
    assert (world.read, len(world.shards.writes)) == (0, writes)
    assert world.upload(caller=STRANGERS["another subject"]).is_new
    world.now += 3700
    assert not world.upload(key="k").is_new


def test_repeats_at_once_are_bounded_too() -> None:
    world = World()
    world.upload(key="k")
    world.read = 0

    found = world.at_once(20, key="k")

    refused = [each for each in found if isinstance(each, ProblemError)]
    assert {each.problem.reason for each in refused} == {ProblemReason.TOO_MANY_REQUESTS}
    assert len(found) - len(refused) == world.read == RETRIES.jobs


def test_what_fails_through_us_is_not_in_vain() -> None:
    world = World()
    world.images.fails = {"create"}
    for _ in range(3 * RETRIES.jobs):
        assert world.refused() is ProblemReason.API_SERVER_UNAVAILABLE
    world.images.fails = set()

    assert world.upload().is_new


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
