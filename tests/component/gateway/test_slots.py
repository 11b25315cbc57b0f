"""Direct uploads with a real S3 server: what it refuses for us, and what we make of the rest."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from imagejob_gateway.images.kinds import ON_BEHALF_OF
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.slots.tokens import parse
from imagejob_gateway.state.slots import GRACE
from imagejob_gateway.storage.bucket import Bucket
from imagejob_operator.kube.errors import UnreachableError
from support import slot_gateway
from support.gateway import ISSUER
from support.paths import ROOT
from support.slot_gateway import SlotGateway, send
from support.state_shards import START
from support.tenant import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.s3 import S3Server
    from imagejob_gateway.state.owner import OwnerState

CAT, DOG = picture(64, 48), picture(48, 64)
PNG = picture(64, 48, "PNG")
LEASE = 30_000
"""Milliseconds."""


def file(data: bytes = CAT, **changes: object) -> dict[str, object]:
    """A file as a client announces it."""
    digest = hashlib.sha256(data).hexdigest()
    announced = {"contentType": "image/jpeg", "length": len(data), "sha256": digest}
    return announced | changes


@pytest.fixture(scope="module")
def running(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlotGateway]:
    with slot_gateway.running(s3, tmp_path_factory.mktemp("put")) as found:
        yield found


@pytest.fixture(scope="module")
def running_post(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlotGateway]:
    folder = tmp_path_factory.mktemp("post")
    with slot_gateway.running(s3, folder, direct={"method": "POST"}) as found:
        yield found


@pytest.fixture
def gateway(running: SlotGateway) -> SlotGateway:
    """As if it had just been installed, with an empty bucket."""
    running.reset()
    return running


@pytest.fixture(params=["running", "running_post"], ids=["PUT", "POST"])
def either(request: pytest.FixtureRequest) -> SlotGateway:
    """A gateway whose slots are of one method, likewise."""
    found: SlotGateway = request.getfixturevalue(request.param)
    found.reset()
    return found


def complete(gateway: SlotGateway, slot: Any, token: str = "") -> tuple[int, str]:
    """Complete by the slot's own token, or another; return the status, and the reason or name."""
    answer = gateway.request("POST", slot["links"]["complete"], token or slot["token"])
    body = answer.json()
    return answer.status, body["reason"] if answer.status >= 400 else body["name"]


def source(gateway: SlotGateway) -> dict[str, Any]:
    """The source of the only ImageJob."""
    (job,) = gateway.jobs
    found: dict[str, Any] = job["spec"]["source"]
    return found


def in_quarantine(gateway: SlotGateway) -> set[str]:
    return {key for key in gateway.objects() if key.startswith("in/here/quarantine/")}


def originals(gateway: SlotGateway) -> set[str]:
    return {key for key in gateway.objects() if key.startswith("in/here/uploads/")}


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


DIFFERS: dict[str, tuple[bytes, dict[str, str | None]]] = {
    "other bytes": (DOG[: len(CAT)].ljust(len(CAT), b"x"), {}),
    "a byte more": (CAT + b"x", {}),
    "a byte less": (CAT[:-1], {}),
    "another type": (CAT, {"Content_Type": "text/html"}),
    "another digest": (CAT, {"x_amz_checksum_sha256": "A" * 43 + "="}),
}


@pytest.mark.parametrize(("data", "changes"), DIFFERS.values(), ids=DIFFERS)
def test_the_store_refuses_what_wasn_t_announced(
    either: SlotGateway, data: bytes, changes: dict[str, str | None]
) -> None:
    (slot,) = either.reserve(file())

    status, _ = send(slot, data, **changes)

    assert status in (400, 403)
    assert in_quarantine(either) == set()
    assert complete(either, slot) == (409, "NotUploaded")


@pytest.mark.parametrize("data", [CAT + b"x", CAT[:-1]], ids=["a byte more", "a byte less"])
def test_the_length_is_held_to_without_a_digest(either: SlotGateway, data: bytes) -> None:
    (slot,) = either.reserve(file(sha256=""))

    assert send(slot, data)[0] in (400, 403)
    assert send(slot, CAT)[0] in (200, 204)


def test_a_slot_ends_with_the_store_s_credentials(s3: S3Server, tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=5)
    (tmp_path / "AWS_CREDENTIAL_EXPIRATION").write_text(ends.isoformat())
    with slot_gateway.running(s3, tmp_path) as gateway:
        (slot,) = gateway.reserve(file())

    given = (datetime.fromisoformat(slot["expires"]).timestamp() * 1000 - START) / 1000
    assert 240 < given <= 300
    (seconds,) = parse_qs(urlsplit(slot["request"]["url"]).query)["X-Amz-Expires"]
    assert int(seconds) == given


def test_an_md5_is_held_to_as_well(gateway: SlotGateway) -> None:
    md5 = hashlib.md5(CAT, usedforsecurity=False).hexdigest()
    (slot,) = gateway.reserve(file(sha256="", md5=md5))

    assert send(slot, DOG[: len(CAT)].ljust(len(CAT), b"x"))[0] == 400
    assert send(slot, CAT)[0] == 200


def test_a_slot_takes_one_object(gateway: SlotGateway) -> None:
    """If-None-Match is signed: a client can't leave it out."""
    (slot,) = gateway.reserve(file())
    assert send(slot, CAT)[0] == 200

    assert send(slot, CAT)[0] == 412
    assert send(slot, CAT, If_None_Match=None)[0] == 403


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


def test_a_lost_answer_is_answered_again(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    first = complete(gateway, slot)

    again = [complete(gateway, slot), complete(gateway, slot, gateway.token())]

    assert first[0] == 202
    assert again == [(200, first[1])] * 2
    assert len(gateway.jobs) == 1


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
    assert gateway.shards.data == {shard: {} for shard in gateway.shards.data}


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


def test_two_requests_to_complete_make_one_image(gateway: SlotGateway) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    holder = parse(slot["token"])
    assert holder

    async def twice() -> list[Any]:
        both = (gateway.completions.complete(holder, slot["id"]) for _ in range(2))
        return await asyncio.gather(*both, return_exceptions=True)

    one, other = sorted(gateway.run(twice()), key=lambda found: isinstance(found, Exception))

    assert one.is_new
    assert other.problem.reason == ProblemReason.IN_PROGRESS
    assert len(gateway.jobs) == len(gateway.objects()) == 1


def test_a_slot_that_is_given_back_meanwhile_is_not_completed(
    gateway: SlotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slot,) = gateway.reserve(file())
    send(slot, CAT)
    holder = parse(slot["token"])
    assert holder
    read = gateway.state.read

    async def read_and_given_back(owner: str) -> OwnerState:
        found = await read(owner)
        await gateway.reservations.give_back(holder, slot["id"])
        return found

    monkeypatch.setattr(gateway.state, "read", read_and_given_back)

    assert complete(gateway, slot) == (410, "SlotClosed")
    assert gateway.jobs == []


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


def overwrite(gateway: SlotGateway, slot: Any, data: bytes) -> None:
    """Put an object as no client can: past what the slot's URL allows."""
    gateway.client.put_object(
        Bucket=gateway.bucket, Key=f"in/here/quarantine/{slot['id']}", Body=data
    )


def refused(gateway: SlotGateway, *files: dict[str, object]) -> tuple[int, str]:
    answer = gateway.request("POST", "/api/v1/uploads", gateway.token(), {"uploads": files})
    assert int(answer.headers["retry-after"]) > 0
    return answer.status, answer.json()["reason"]


def admitted(gateway: SlotGateway) -> int:
    """How many uploads of the only owner were charged."""
    (owner,) = (owner for data in gateway.shards.data.values() for owner in data)
    history = gateway.run(gateway.state.read(owner)).admissions.history
    return sum(count for _, count in history.slots)


PAGE = "https://app.example.com"
RULES = re.compile(r"```json\n(\{\n  \"CORSRules\".*?)```", re.DOTALL)


def test_the_documented_cors_rules_let_a_page_upload_and_fetch(either: SlotGateway) -> None:
    (rules,) = RULES.findall((ROOT / "docs/gateway.md").read_text())
    either.client.put_bucket_cors(Bucket=either.bucket, CORSConfiguration=json.loads(rules))
    md5 = hashlib.md5(CAT, usedforsecurity=False).hexdigest()
    request = either.reserve(file(md5=md5))[0]["request"]
    sent = {name.lower() for name in request["headers"]} - {"content-length"}

    allowed = preflight(request["url"], PAGE, request["method"], sent or {"content-type"})
    other = preflight(request["url"], "https://evil.example.com", request["method"], sent)
    fetched = preflight(request["url"], "null", "GET", set())

    assert allowed["access-control-allow-origin"] == PAGE
    assert sent <= set(allowed["access-control-allow-headers"].lower().split(", "))
    assert "access-control-allow-origin" not in other
    assert fetched["access-control-allow-origin"] == "*"


def preflight(url: str, origin: str, method: str, headers: set[str]) -> dict[str, str]:
    """What the store answers a browser that asks whether a page may."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ",".join(sorted(headers)),
    }
    try:
        connection.request("OPTIONS", f"{parts.path}?{parts.query}", headers=asked)
        response = connection.getresponse()
        response.read()
        return {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()
