"""Completing an upload is gone on with, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.storage.bucket import Bucket
from imagejob_operator.kube.errors import UnreachableError
from support.slot_files import (
    CAT,
    DOG,
    LEASE,
    admitted,
    complete,
    file,
    in_quarantine,
    originals,
    source,
)
from support.slot_gateway import FAILURES, SlotGateway, send


def test_two_requests_to_complete_make_one_image(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    holder = gateway.holder(slot)

    async def twice() -> list[Any]:
        both = (gateway.completions.complete(holder, slot["id"]) for _ in range(2))
        return await asyncio.gather(*both, return_exceptions=True)

    one, other = sorted(gateway.run(twice()), key=lambda found: isinstance(found, Exception))

    assert one.is_new
    assert other.problem.reason == ProblemReason.IN_PROGRESS
    assert len(gateway.jobs) == len(gateway.objects()) == 1


@pytest.mark.parametrize("step", ["remove", "record"])
def test_what_fails_after_the_imagejob_is_created_is_gone_on_with(
    gateway: SlotGateway, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)

    async def fail(*_: Any) -> None:
        if step == "remove":
            raise ProblemError(ProblemReason.STORAGE_UNAVAILABLE, "down")
        gateway.shards.failure = UnreachableError("down")

    with monkeypatch.context() as patch:
        remove = Bucket.remove

        async def removed(bucket: Bucket, key: str) -> None:
            await fail()
            await remove(bucket, key)

        patch.setattr(Bucket, "remove", removed)
        assert complete(gateway, slot)[0] == 503
    gateway.shards.failure = None
    assert complete(gateway, slot) == (409, "InProgress")
    gateway.now += LEASE

    status, name = complete(gateway, slot)

    assert (status, name) == (200, gateway.jobs[0]["metadata"]["name"])
    gateway.now += 3 * LEASE
    gateway.sweep()
    assert len(gateway.jobs) == 1
    assert gateway.objects() == {f"in/here/{source(gateway)['key']}"}
    assert admitted(gateway) == 1


def test_an_imagejob_that_is_refused_leaves_the_slot_as_it_was(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    gateway.api.refusal = UnreachableError("down")
    assert complete(gateway, slot) == (503, "ApiServerUnavailable")

    gateway.api.refusal = None
    gateway.now += 3 * LEASE
    gateway.sweep()

    assert originals(gateway) == set()
    assert len(in_quarantine(gateway)) == 1
    assert complete(gateway, slot)[0] == 202
    assert admitted(gateway) == 1


def test_a_slot_that_fails_again_and_again_costs_its_owner_nothing_else(
    gateway: SlotGateway,
) -> None:
    slot, other = gateway.reserve(file(), file(DOG))
    for _ in range(FAILURES):
        assert complete(gateway, slot) == (409, "NotUploaded")
    writes = len(gateway.shards.writes)

    assert complete(gateway, slot) == (429, "TooManyRequests")
    assert complete(gateway, slot, gateway.token()) == (429, "TooManyRequests")
    assert complete(gateway, slot, gateway.token("bob")) == (404, "NotFound")
    assert len(gateway.shards.writes) == writes
    send(other, DOG)
    assert complete(gateway, other)[0] == 202
