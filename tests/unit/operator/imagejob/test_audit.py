"""The lines of the audit log, their schema, and the page that explains them."""

from __future__ import annotations

import copy
import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
from imagejob_operator.api.imagejob import AuditEntry, ImageJobStatus, Phase, StoreStatus
from imagejob_operator.api.reasons import Reason
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.audit import QuotaDecision, requester
from support.api_objects import NOW, image_job
from support.audit_schema import complaints, complaints_about, fields, paths_in, schema
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    Damage = Callable[[Any], Any]

PAGE = ROOT / "docs/audit.md"
CAT = image_job(profileRef={"name": "web"}, ttlSecondsAfterFinished=3600)
DIGEST = "0a" * 32
QUOTA = QuotaDecision(limits=("50/1h", "500/24h"), used=50, remaining=0)

ENDED = msgspec.convert(
    {
        "attempts": 2,
        "disruptions": 1,
        "profile": {"name": "web", "generation": 4, "digest": f"sha256:{DIGEST}"},
        "stores": [
            {
                "name": "uploads",
                "generation": 3,
                "endpoint": "https://s3.test",
                "bucket": "team-a",
                "prefix": "images",
            }
        ],
        "source": {"sha256": DIGEST, "bytes": 3_400_000, "format": "jpeg"},
        "outputs": [
            {
                "name": "thumb",
                "key": "derived/cat/thumb.webp",
                "format": "webp",
                "width": 320,
                "height": 240,
                "bytes": 9000,
                "sha256": DIGEST,
            }
        ],
    },
    ImageJobStatus,
)
"""What a success leaves in the log."""

FAILED = msgspec.structs.replace(ENDED, outputs=())
ON_A_VOLUME = msgspec.structs.replace(
    FAILED, stores=(StoreStatus(name="uploads", generation=1, claim_name="photos", sub_path="in"),)
)
TURNED_AWAY = ImageJobStatus()
PLACE = {
    "generation": 3,
    "endpoint": "https://s3.test",
    "bucket": "team-a",
    "prefix": "images",
}


def told(
    event: str,
    reason: Reason,
    status: ImageJobStatus | None = None,
    quota: QuotaDecision | None = None,
    time: datetime = NOW,
) -> Any:
    entry = AuditEntry(1, time, audit.OPERATOR, event, reason.value, "so it is")
    return json.loads(audit.line(CAT, entry, status, quota))


LINES = {
    "requested": told("Pending", Reason.REQUESTED, ENDED),
    "requested for another": json.loads(
        audit.line(
            CAT, AuditEntry(1, NOW, "gw", "Pending", "Requested", "so", None, "https://i#ann")
        )
    ),
    "suspended": told("Pending", Reason.SUSPENDED),
    "suspended again and again": json.loads(
        audit.line(CAT, AuditEntry(7, NOW, "unknown", "Pending", "Suspended", "so it is", 177))
    ),
    "throttled": told("Throttled", Reason.QUOTA_USED_UP),
    "admitted": told("Queued", Reason.ADMITTED, quota=QUOTA),
    "admitted, and finished since": told("Queued", Reason.ADMITTED, ENDED, QUOTA),
    "admitted before a restart": told("Queued", Reason.ADMITTED),
    "dispatched": told("Queued", Reason.DISPATCHED),
    "running": told("Running", Reason.PROCESSING),
    "backing off": told("Queued", Reason.STORAGE_UNAVAILABLE, FAILED),
    "evicted": told("Queued", Reason.EVICTED, FAILED),
    "succeeded": told("Succeeded", Reason.SUCCEEDED, ENDED),
    "failed": told("Failed", Reason.CORRUPT_IMAGE, FAILED),
    "failed on a volume": told("Failed", Reason.CORRUPT_IMAGE, ON_A_VOLUME),
    "failed unread": told("Failed", Reason.SOURCE_NOT_FOUND, ImageJobStatus(attempts=1)),
    "failed for the quota": told("Failed", Reason.QUOTA_EXCEEDED, TURNED_AWAY),
    "cancelled": json.loads(audit.line(CAT, audit.cancelled(CAT, (), NOW))),
    "expired": json.loads(audit.line(CAT, audit.expired(CAT, NOW))),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_every_kind_of_line_is_as_the_schema_says(line: dict[str, Any]) -> None:
    assert complaints_about(line) == []


def test_every_field_of_the_schema_is_on_some_line() -> None:
    assert {path for line in LINES.values() for path in paths_in(line)} == dict(fields()).keys()


def test_a_line_begins_with_its_kind_and_has_no_line_break() -> None:
    line = audit.line(CAT, AuditEntry(1, NOW, "ann", "Pending", "Requested", "two\nlines"))

    assert line.startswith(b'{"kind":"ImageJobAudit",')
    assert b"\n" not in line
    assert complaints(line) == []


def test_a_success_shows_its_source_and_outputs() -> None:
    line = LINES["succeeded"]

    assert line["source"] == {
        "store": "uploads",
        "key": "incoming/cat.jpg",
        "place": PLACE,
        "sha256": DIGEST,
        "bytes": 3_400_000,
    }
    assert line["destination"] == {"store": "uploads", "prefix": "derived/cat", "place": PLACE}
    assert line["outputs"] == [
        {"name": "thumb", "key": "derived/cat/thumb.webp", "sha256": DIGEST, "bytes": 9000}
    ]
    assert (line["attempts"], line["disruptions"]) == (2, 1)
    assert line["profile"]["generation"] == 4


def test_an_admission_shows_the_state_of_the_quota() -> None:
    assert LINES["admitted"]["quota"] == {
        "limits": ["50/1h", "500/24h"],
        "used": 50,
        "remaining": 0,
    }


def test_only_the_last_line_shows_the_result() -> None:
    """One status write may contain a whole history."""
    assert LINES["admitted, and finished since"] == LINES["admitted"]


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (NOW, "2026-11-22T10:00:00.250000Z"),
        (NOW.replace(microsecond=0), "2026-11-22T10:00:00.000000Z"),
        (NOW.replace(microsecond=7), "2026-11-22T10:00:00.000007Z"),
        (NOW.astimezone(timezone(timedelta(hours=2))), "2026-11-22T10:00:00.250000Z"),
    ],
    ids=["a quarter", "whole", "a microsecond", "elsewhere"],
)
def test_times_sort_as_text(time: datetime, shown: str) -> None:
    assert told("Pending", Reason.SUSPENDED, time=time)["time"] == shown


NAMED = {audit.REQUESTED_BY: "ann@example.com"}


@pytest.mark.parametrize(
    ("annotations", "trusted", "name"),
    [
        (NAMED, True, "ann@example.com"),
        (NAMED, False, "unknown"),
        ({}, True, "unknown"),
        ({audit.REQUESTED_BY: ""}, True, "unknown"),
        ({audit.REQUESTED_BY: "n" * 1024}, True, "n" * 1024),
        ({audit.REQUESTED_BY: "n" * 1025}, True, "n" * 1023 + "…"),
    ],
    ids=["named", "not vouched for", "not named", "empty", "longest", "too long for the status"],
)
def test_the_requester(annotations: dict[str, str], *, trusted: bool, name: str) -> None:
    job = image_job(meta={"annotations": annotations})

    assert requester(job, trusted=trusted) == name


def within(part: str, **change: Any) -> Damage:
    return lambda line: line | {part: line[part] | change}


def without(part: str) -> Damage:
    return lambda line: {name: value for name, value in line.items() if name != part}


def having(**change: Any) -> Damage:
    return lambda line: line | change


BROKEN: dict[str, tuple[str, Damage]] = {
    "no object": ("running", lambda _: []),
    "of another kind": ("running", having(kind="Audit")),
    "a field more": ("running", having(node="n1")),
    "a field more in the source": ("running", within("source", node="n1")),
    "no uid": ("running", without("uid")),
    "an empty uid": ("running", having(uid="")),
    "the number 0": ("running", having(seq=0)),
    "a number in quotes": ("running", having(seq="1")),
    "milliseconds": ("running", having(time="2026-11-22T10:00:00.250Z")),
    "no zone": ("running", having(time="2026-11-22T10:00:00.250000")),
    "counted once": ("running", having(count=1)),
    "nobody": ("running", having(actor="")),
    "an unknown event": ("running", having(event="Paused")),
    "a reason in words": ("running", having(reason="it runs")),
    "a digest of no kind": ("running", having(specDigest=DIGEST)),
    "no source": ("running", without("source")),
    "no key": ("running", having(source={"store": "uploads"})),
    "an empty prefix": ("running", within("destination", prefix="")),
    "outputs too early": ("running", having(outputs=LINES["succeeded"]["outputs"])),
    "attempts too early": ("running", having(attempts=1)),
    "read too early": ("running", within("source", sha256=DIGEST)),
    "where it was, too early": ("running", within("destination", place={"claimName": "photos"})),
    "a place of no kind": ("succeeded", within("destination", place={"generation": 1})),
    "no outputs": ("succeeded", without("outputs")),
    "an empty list of outputs": ("succeeded", having(outputs=[])),
    "an output without digest": ("succeeded", having(outputs=[{"name": "a"}])),
    "no attempts": ("succeeded", without("attempts")),
    "a success for another reason": ("succeeded", having(reason="Processing")),
    "a failure that succeeded": ("failed", having(reason="Succeeded")),
    "a failure with outputs": ("failed", having(outputs=LINES["succeeded"]["outputs"])),
    "a profile without digest": ("failed", having(profile={"name": "web"})),
    "a quota without limits": ("admitted", within("quota", limits=[])),
    "a quota of no rate": ("admitted", within("quota", limits=["50 an hour"])),
    "less than nothing left": ("admitted", within("quota", remaining=-1)),
    "deleted for nothing": ("cancelled", having(reason="Succeeded")),
}


@pytest.mark.parametrize(("name", "damage"), BROKEN.values(), ids=BROKEN)
def test_the_schema_refuses(name: str, damage: Damage) -> None:
    assert complaints_about(damage(copy.deepcopy(LINES[name]))) != []


def test_events_are_phases_and_the_end() -> None:
    assert schema()["properties"]["event"]["enum"] == [*get_args(Phase), "Deleted"]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_fits_the_schema(reason: Reason) -> None:
    assert re.fullmatch(schema()["properties"]["reason"]["pattern"], reason.value)


def test_the_page_explains_every_field_as_the_schema_does() -> None:
    row = r"^\| `([^`]+)` \| (always|sometimes) \| (.+) \|$"
    rows = re.findall(row, PAGE.read_text(), re.MULTILINE)

    assert {name: (when, meaning) for name, when, meaning in rows} == dict(fields())


def test_the_page_shows_a_line() -> None:
    (line,) = re.findall(r"^\{.*\}$", PAGE.read_text(), re.MULTILINE)

    assert complaints(line) == []
