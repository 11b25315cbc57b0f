"""Who may use a slot, for how long, and what is left afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_gateway.state.shared_key import GATEWAY
from imagejob_gateway.state.slots import GRACE
from support import asgi, slot_gateway
from support.slot_files import (
    CAT,
    DOG,
    complete,
    file,
    in_quarantine,
    originals,
)
from support.slot_gateway import REQUESTS, SlotGateway, send
from support.tenant import picture

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.s3 import S3Server
    from imagejob_gateway.state.owner import OwnerState


def test_a_token_is_of_one_use(gateway: SlotGateway) -> None:
    slot, other = gateway.reserve(file(), file(DOG))
    send(slot, CAT)
    assert complete(gateway, slot, other["token"]) == (401, "Unauthenticated")
    assert complete(gateway, slot)[0] == 202

    for method in ("GET", "DELETE"):
        answer = gateway.request(method, slot["links"]["self"], slot["token"])
        assert (answer.status, answer.json()["reason"]) == (401, "Unauthenticated")
    found = gateway.request("GET", slot["links"]["self"], gateway.token()).json()
    assert (found["phase"], found["image"]) == ("Completed", gateway.jobs[0]["metadata"]["name"])


def test_of_two_tokens_neither_counts(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    both = (f"Bearer {slot['token']}", f"Bearer {gateway.token()}")

    for headers in (both, both[::-1]):
        path = slot["links"]["complete"]
        answer = asgi.request(gateway.app, "POST", path, run=gateway.run, authorization=headers)
        assert (answer.status, answer.json()["reason"]) == (401, "Unauthenticated")
    assert gateway.jobs == []


def test_nobody_else_learns_of_a_slot(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    missing = "/api/v1/uploads/" + "0" * 24

    for subject, scope in (("bob", "upload"), ("root", "all")):
        token = gateway.token(subject, scope=scope)
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/complete")):
            theirs = gateway.request(method, slot["links"]["self"] + path, token)
            nobodys = gateway.request(method, missing + path, token)
            assert theirs.status == nobodys.status == 404
            assert theirs.json().keys() == nobodys.json().keys()
    assert complete(gateway, slot)[0] == 202


def test_an_expired_slot_is_gone(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)

    gateway.now += 15 * 60_000

    assert complete(gateway, slot) == (410, "SlotClosed")
    assert gateway.request("GET", slot["links"]["self"], slot["token"]).json()["phase"] == "Expired"
    gateway.sweep()
    assert len(in_quarantine(gateway)) == 1  # a PUT that began in time may still go on
    gateway.now += GRACE
    gateway.sweep()
    assert in_quarantine(gateway) == set()
    assert gateway.jobs == []
    assert {owner for shard in gateway.shards.data.values() for owner in shard} == {GATEWAY}


def test_a_put_too_late_for_anything_is_swept(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    complete(gateway, slot)
    send(slot, CAT)

    gateway.now += 15 * 60_000 + GRACE
    gateway.sweep()

    assert in_quarantine(gateway) == set()
    assert len(originals(gateway)) == 1
    assert complete(gateway, slot) == (401, "Unauthenticated")
    assert complete(gateway, slot, gateway.token()) == (404, "NotFound")


def test_a_token_of_a_slot_that_is_forgotten_costs_nothing(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    gateway.now += 15 * 60_000 + GRACE + 61_000
    gateway.sweep()
    gateway.request("GET", slot["links"]["self"], slot["token"])  # reads the key again
    reads = gateway.shards.reads

    answer = gateway.request("GET", slot["links"]["self"], slot["token"])

    assert (answer.status, gateway.shards.reads) == (401, reads)


def test_a_token_may_be_used_so_many_times_in_a_while(gateway: SlotGateway) -> None:
    (slot, other) = gateway.reserve(file(), file(DOG))
    for _ in range(REQUESTS):
        assert gateway.request("GET", slot["links"]["self"], slot["token"]).status == 200
    reads = gateway.shards.reads

    answer = gateway.request("GET", slot["links"]["self"], slot["token"])

    assert (answer.status, answer.json()["reason"]) == (429, "TooManyRequests")
    assert int(answer.headers["retry-after"]) > 0
    assert gateway.shards.reads == reads
    assert gateway.request("GET", other["links"]["self"], other["token"]).status == 200


def test_a_slot_is_given_back(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)

    answers = [gateway.request("DELETE", slot["links"]["self"], slot["token"]) for _ in range(2)]

    assert [each.status for each in answers] == [204, 204]
    assert in_quarantine(gateway) == set()
    assert complete(gateway, slot) == (410, "SlotClosed")
    send(slot, CAT)
    gateway.now += 15 * 60_000 + GRACE
    gateway.sweep()
    assert in_quarantine(gateway) == set()


def test_a_slot_that_is_given_back_meanwhile_is_not_completed(
    gateway: SlotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    holder = gateway.holder(slot)
    read = gateway.state.read

    async def read_and_given_back(owner: str) -> OwnerState:
        found = await read(owner)
        await gateway.reservations.give_back(holder, slot["id"])
        return found

    monkeypatch.setattr(gateway.state, "read", read_and_given_back)

    assert complete(gateway, slot) == (410, "SlotClosed")
    assert gateway.jobs == []


def test_slots_count_for_the_limit_until_it_is_known_what_became_of_them(
    gateway: SlotGateway,
) -> None:
    files = [file(picture(8 + n, 8)) for n in range(8)]
    slots = gateway.reserve(*files)
    assert refused(gateway, file()) == (429, "LimitExceeded")

    for slot, size in zip(slots[:7], range(7), strict=True):
        send(slot, picture(8 + size, 8))
        assert complete(gateway, slot)[0] == 202
    gateway.request("DELETE", slots[7]["links"]["self"], slots[7]["token"])

    assert refused(gateway, file(), file()) == (429, "LimitExceeded")
    assert len(gateway.reserve(file())) == 1
    gateway.now += 16 * 60_000  # it has expired
    assert len(gateway.reserve(file())) == 1


def test_open_slots_have_a_maximum(s3: S3Server, tmp_path: Path) -> None:
    with slot_gateway.running(s3, tmp_path, slots={"maxOpen": 3}) as gateway:
        slots = gateway.reserve(file(), file())

        assert refused(gateway, file(), file()) == (429, "TooManySlots")
        gateway.request("DELETE", slots[0]["links"]["self"], slots[0]["token"])
        gateway.reserve(file(), file())
        gateway.reserve(file(), subject="bob")


def test_a_hundred_slots_fit(s3: S3Server, tmp_path: Path) -> None:
    with slot_gateway.running(s3, tmp_path, limitPerSubject="1000/1h") as gateway:
        slots = gateway.reserve(*(file(profile="print") for _ in range(100)))

        assert len({each["id"] for each in slots}) == len({each["token"] for each in slots}) == 100


def refused(gateway: SlotGateway, *files: dict[str, object]) -> tuple[int, str]:
    answer = gateway.request("POST", "/api/v1/uploads", gateway.token(), {"uploads": files})
    assert int(answer.headers["retry-after"]) > 0
    return answer.status, answer.json()["reason"]
