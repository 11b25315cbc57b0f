"""What clients may put into a slot: a real S3 server holds them to what was announced."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from support import slot_gateway
from support.paths import ROOT
from support.slot_files import (
    CAT,
    DOG,
    complete,
    file,
    in_quarantine,
)
from support.slot_gateway import SlotGateway, send
from support.state_shards import START

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.s3 import S3Server


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


def test_a_slot_ends_with_the_store_s_credentials(s3: S3Server, tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=5)
    (tmp_path / "AWS_CREDENTIAL_EXPIRATION").write_text(ends.isoformat())
    with slot_gateway.running(s3, tmp_path) as gateway:
        (slot,) = gateway.reserve(file())

    given = (datetime.fromisoformat(slot["expires"]).timestamp() * 1000 - START) / 1000
    assert 240 < given <= 300
    (seconds,) = parse_qs(urlsplit(slot["request"]["url"]).query)["X-Amz-Expires"]
    assert int(seconds) == given


def test_a_store_that_is_gone_costs_no_slots(
    gateway: SlotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.buckets, "_find", lambda _: None)

    answer = gateway.request("POST", "/api/v1/uploads", gateway.token(), {"uploads": [file()]})

    assert (answer.status, answer.json()["reason"]) == (503, "StoreNotFound")
    assert gateway.shards.data == {}


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
