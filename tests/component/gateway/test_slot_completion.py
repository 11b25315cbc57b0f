"""What is in a slot becomes an ImageJob of a copy, or is refused."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.images.kinds import ON_BEHALF_OF
from imagejob_gateway.storage.bucket import Bucket
from support import slot_gateway
from support.gateway import ISSUER
from support.slot_files import (
    CAT,
    DOG,
    PNG,
    complete,
    file,
    in_quarantine,
    originals,
    overwrite,
    source,
)
from support.slot_gateway import SlotGateway, send

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.s3 import S3Server


@pytest.mark.parametrize("with_token", [True, False], ids=["slot token", "JWT"])
def test_what_is_put_into_a_slot_becomes_an_imagejob(
    either: SlotGateway, *, with_token: bool
) -> None:
    (slot,) = either.reserve(file(profile="print"))
    status, answer = send(slot, CAT)
    assert status in (200, 204), answer

    status, name = complete(either, slot, "" if with_token else either.token())

    assert status == 202
    assert source(either)["sha256"] == hashlib.sha256(CAT).hexdigest()
    assert originals(either) == {f"in/here/{source(either)['key']}"}
    assert either.stored(f"in/here/{source(either)['key']}") == CAT
    assert in_quarantine(either) == set()
    assert either.jobs[0]["metadata"]["name"] == name
    assert either.jobs[0]["spec"]["profileRef"] == {"name": "print"}
    assert either.jobs[0]["metadata"]["annotations"][ON_BEHALF_OF] == f"{ISSUER}#alice"


def test_a_put_after_it_is_complete_changes_nothing(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file(sha256=""))
    send(slot, CAT)
    _, name = complete(gateway, slot)
    key = f"in/here/{source(gateway)['key']}"
    other = DOG[: len(CAT)].ljust(len(CAT), b"x")

    assert send(slot, other)[0] == 200  # the URL is valid until it expires

    assert gateway.stored(key) == CAT
    assert complete(gateway, slot) == (409, "SlotUsed")
    assert in_quarantine(gateway) == set()
    assert complete(gateway, slot) == (200, name)
    assert len(gateway.jobs) == 1
    assert gateway.stored(key) == CAT


def test_a_lost_answer_is_answered_again(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    first = complete(gateway, slot)

    again = [complete(gateway, slot), complete(gateway, slot, gateway.token())]

    assert first[0] == 202
    assert again == [(200, first[1])] * 2
    assert len(gateway.jobs) == 1


NO_IMAGE = {
    "text": (b"This is no picture." * 20, "image/jpeg"),
    "a PNG as JPEG": (PNG, "image/jpeg"),
    "a page": (b"<html><script>alert(1)</script>" * 9, "image/png"),
}


@pytest.mark.parametrize(("data", "declared"), NO_IMAGE.values(), ids=NO_IMAGE)
def test_what_is_no_such_image_is_removed(gateway: SlotGateway, data: bytes, declared: str) -> None:
    (slot,) = gateway.reserve(file(data, contentType=declared))
    assert send(slot, data)[0] == 200

    assert complete(gateway, slot) == (415, "UnsupportedFormat")
    assert gateway.objects() == set()
    assert gateway.jobs == []


def test_after_a_refusal_the_right_file_may_come(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file(sha256=""))
    send(slot, b"x" * len(CAT))
    assert complete(gateway, slot)[0] == 415

    assert send(slot, CAT)[0] == 200
    assert complete(gateway, slot)[0] == 202


def test_another_length_than_announced_is_refused_whatever_the_store_let_in(
    gateway: SlotGateway,
) -> None:
    (slot,) = gateway.reserve(file())
    overwrite(gateway, slot, DOG + b"xyz")

    assert complete(gateway, slot) == (400, "IncompleteBody")
    assert gateway.objects() == set()


def test_another_digest_than_announced_is_refused_whatever_the_store_let_in(
    gateway: SlotGateway,
) -> None:
    (slot,) = gateway.reserve(file())
    overwrite(gateway, slot, CAT[:-1] + b"x")

    assert complete(gateway, slot) == (400, "IncompleteBody")
    assert originals(gateway) == set()


def test_what_is_replaced_while_it_is_looked_at_is_not_taken(
    gateway: SlotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slot,) = gateway.reserve(file(sha256=""))
    send(slot, CAT)
    look = Bucket.head

    async def head(bucket: Bucket, *arguments: Any) -> bytes | None:
        found = await look(bucket, *arguments)
        overwrite(gateway, slot, b"x" * len(CAT))
        return found

    monkeypatch.setattr(Bucket, "head", head)

    assert complete(gateway, slot) == (409, "NotUploaded")
    assert originals(gateway) == set()
    assert gateway.jobs == []


KEEPS = {
    "a digest that the store keeps": ({}, file()),
    "none": ({}, file(sha256="")),
    "a store that knows none": ({"checksums": False, "conditional": False}, file()),
}


@pytest.mark.parametrize(("direct", "announced"), KEEPS.values(), ids=KEEPS)
def test_the_digest_is_of_the_copy(
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    direct: dict[str, bool],
    announced: dict[str, object],
) -> None:
    """It is read through the gateway only where the store doesn't say it."""
    read: list[str] = []
    compute = Bucket.sha256

    async def sha256(bucket: Bucket, key: str) -> str:
        read.append(key)
        return await compute(bucket, key)

    monkeypatch.setattr(Bucket, "sha256", sha256)
    with slot_gateway.running(s3, tmp_path, direct=direct) as gateway:
        (slot,) = gateway.reserve(announced)
        headers = {name.lower() for name in slot["request"]["headers"]}
        assert ("x-amz-checksum-sha256" in headers) == (not direct and bool(announced["sha256"]))
        assert ("if-none-match" in headers) == (not direct)
        send(slot, CAT)

        assert complete(gateway, slot)[0] == 202

        assert source(gateway)["sha256"] == hashlib.sha256(CAT).hexdigest()
        is_kept = not direct and bool(announced["sha256"])
        assert read == ([] if is_kept else [source(gateway)["key"]])
