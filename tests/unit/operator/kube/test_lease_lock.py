"""Renewals whose answers are lost: how many requests the next attempt needs."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from imagejob_operator.kube.errors import ApiError, ConflictError, NotFoundError, UnreachableError
from imagejob_operator.kube.lease import LeaseTimings
from imagejob_operator.kube.lease_lock import LeaseLock, LeaseLostError


class Server:
    """Has one Lease, and patches it as the API server does."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.lease: dict[str, Any] = {}
        self.cut = ""  # where the next write is: "before" or "after" it is applied

    async def send(self, method: str, _: str, body: Any, seconds: float) -> bytes:
        assert seconds > 0
        self.methods.append(method)
        if method == "GET":
            if not self.lease:
                raise NotFoundError(404, "no Lease")
            return msgspec.json.encode(self.lease)
        cut, self.cut = self.cut, ""
        if cut != "before":
            self._write(body["spec"] if method == "POST" else self._patched(body))
        if cut:
            raise UnreachableError("the connection broke")
        return msgspec.json.encode(self.lease)

    def hand_to(self, other: str) -> None:
        self._write({**self.lease["spec"], "holderIdentity": other})

    def _write(self, spec: dict[str, Any]) -> None:
        version = int(self.lease["metadata"]["resourceVersion"]) + 1 if self.lease else 1
        metadata = {"name": "imagejob-operator", "resourceVersion": str(version)}
        self.lease = {"metadata": metadata, "spec": spec}

    def _patched(self, patch: list[dict[str, Any]]) -> dict[str, Any]:
        spec: dict[str, Any] = self.lease["spec"]
        for each in patch:
            match each["op"], each["path"].split("/")[1:]:
                case "replace", ["metadata", "resourceVersion"]:
                    if each["value"] != self.lease["metadata"]["resourceVersion"]:
                        raise ConflictError(409, "it has changed")
                case "test", ["spec", name]:
                    if each["value"] != spec.get(name):
                        raise ApiError(422, "testing value failed")
                case "add", ["spec"]:
                    spec = each["value"]
                case other:
                    raise AssertionError(other)
        return spec


async def unanswered(server: Server, cut: str) -> LeaseLock:
    """Take the Lease, and lose the answer to a renewal."""
    lock = LeaseLock(server, "default", "one", LeaseTimings(15))  # type: ignore[arg-type]
    assert await lock.take()
    server.cut = cut
    with pytest.raises(UnreachableError):
        await lock.renew()
    server.methods.clear()
    return lock


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_renewal_without_an_answer_is_followed_by_one_request(cut: str) -> None:
    server = Server()

    async def run() -> None:
        lock = await unanswered(server, cut)
        await lock.renew()
        await lock.renew()

    asyncio.run(run())

    assert server.methods == ["PATCH", "PATCH"]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_so_is_a_release(cut: str) -> None:
    server = Server()

    async def run() -> None:
        await (await unanswered(server, cut)).release()

    asyncio.run(run())

    assert server.methods == ["PATCH"]
    assert "holderIdentity" not in server.lease["spec"]


@pytest.mark.parametrize("ends", [False, True])
def test_after_one_without_an_answer_another_s_lease_is_left_alone(*, ends: bool) -> None:
    server = Server()

    async def run() -> None:
        lock = await unanswered(server, "before")
        server.hand_to("two")
        if ends:
            await lock.release()
            return
        with pytest.raises(LeaseLostError, match="held by two"):
            await lock.renew()

    asyncio.run(run())

    assert server.methods == ["PATCH", "GET"]
    assert server.lease["spec"]["holderIdentity"] == "two"
