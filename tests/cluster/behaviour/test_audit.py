"""The audit log of a running operator matches its documentation and the facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.imagejob.audit import REQUESTED_BY
from support.audit_log import MARK
from support.audit_schema import complaints_about
from support.conditions import until
from support.tenant import Body, Tenant, image_job, ours, picture, reason

if TYPE_CHECKING:
    from imagejob_dev.program import Program

Lines = Callable[[str], list[Body]]

CHANGEABLE = ("suspend", "priority", "ttlSecondsAfterFinished")


@pytest.fixture
def lines(team: Tenant, operator: Program) -> Lines:
    """The audit lines of the team's ImageJob, validated against the schema."""

    def of(name: str) -> list[Body]:
        log = operator.log.read_bytes().splitlines()
        told = [json.loads(line) for line in log if line.startswith(MARK)]
        mine = (team.namespace, name)
        found = [line for line in told if (line["namespace"], line["name"]) == mine]
        assert [complaint for line in found for complaint in complaints_about(line)] == []
        return found

    return of


def test_a_success_from_request_to_result(team: Tenant, lines: Lines) -> None:
    team.quota("7/1h", "500/24h")
    outputs = [{"name": "thumb", "width": 320}, {"name": "full", "format": "webp"}]
    team.apply(ours("ImageProfile", "web", {"outputs": outputs}))

    team.apply(image_job(profileRef={"name": "web"}))
    status = team.wait_finished("cat")

    told = lines("cat")
    assert [line["seq"] for line in told] == list(range(1, len(told) + 1))
    assert [(line["event"], line["reason"]) for line in told][:2] == [
        ("Pending", "Requested"),
        ("Queued", "Admitted"),
    ]
    assert told[1]["quota"] == {"limits": ["7/1h", "500/24h"], "used": 1, "remaining": 6}
    end = told[-1]
    assert end["source"]["sha256"] == hashlib.sha256(picture()).hexdigest()
    assert end["profile"] == status["profile"]
    assert {made["key"]: made["sha256"] for made in end["outputs"]} == {
        key: hashlib.sha256(team.get(key)).hexdigest()
        for key in ("derived/cat/thumb.jpg", "derived/cat/full.webp")
    }


def test_the_first_line_says_who_asked(team: Tenant, lines: Lines) -> None:
    team.apply(image_job())
    team.wait_finished("cat")

    job = json.loads(team.kubectl("get", "imagejob", "cat", "--output=json"))
    actor = lines("cat")[0]["actor"]
    assert actor == job["metadata"]["annotations"][REQUESTED_BY]


def test_all_that_the_status_says_is_there_in_the_same_words(team: Tenant, lines: Lines) -> None:
    team.apply(image_job())
    status = team.wait_finished("cat")

    told = [{name: line[name] for name in status["audit"][0]} for line in lines("cat")]
    assert [without_time(entry) for entry in told] == [
        without_time(entry) for entry in status["audit"]
    ]


def test_who_flips_suspend_again_and_again_makes_few_lines(team: Tenant, lines: Lines) -> None:
    team.quota("1/1h")
    team.apply(image_job("first"))
    team.wait_finished("first")
    team.apply(image_job("cat"))
    team.wait("cat", lambda status: status.get("phase") == "Throttled")
    before = len(lines("cat"))

    for number in range(40):
        team.patch("cat", suspend=number % 2 == 0)
    team.patch("cat", suspend=True)
    status = team.wait("cat", lambda status: reason(status) == "Suspended")

    told = lines("cat")
    assert [line["seq"] for line in told] == list(range(1, len(told) + 1))
    assert len(told) - before <= 12
    assert [entry["seq"] for entry in status["audit"]][-1] == len(told)


def test_a_failure(team: Tenant, lines: Lines) -> None:
    team.apply(image_job("dog", "incoming/dog.jpg"))
    team.wait_finished("dog")

    end = lines("dog")[-1]
    assert (end["event"], end["reason"], end["attempts"]) == ("Failed", "SourceNotFound", 1)


def test_what_the_quota_turns_away(team: Tenant, lines: Lines) -> None:
    team.quota("1/1h", onExceeded="Fail")
    team.apply(image_job("first"))
    team.wait_finished("first")

    team.apply(image_job("second"))
    team.wait_finished("second")

    end = lines("second")[-1]
    assert (end["event"], end["reason"]) == ("Failed", "QuotaExceeded")


def test_what_is_deleted_while_it_waits(team: Tenant, lines: Lines) -> None:
    team.quota("1/1h")
    team.apply(image_job("first"))
    team.wait_finished("first")
    team.apply(image_job("second"))
    team.wait("second", lambda status: reason(status) == "QuotaUsedUp")

    team.kubectl("delete", "imagejob", "second")
    (end,) = until(lambda: [line for line in lines("second") if line["event"] == "Deleted"])

    assert end["reason"] == "Cancelled"


def test_the_digest_can_be_worked_out_from_the_object(team: Tenant, lines: Lines) -> None:
    """As described in docs/audit.md."""
    spec = {
        "destination": {"prefix": "derived/Büro \u2028 😀"},
        "outputs": [{"name": "thumb", "width": 320, "maxBytes": "300Ki"}, {"name": "full"}],
        "metadata": {"keep": []},
        "limits": {"maxBytes": 1000000},
        "priority": 3,
        "ttlSecondsAfterFinished": 3600,
    }
    team.apply(image_job(**spec))
    team.wait_finished("cat")

    stored = json.loads(team.kubectl("get", "imagejob", "cat", "--output=json"))["spec"]
    asked = {name: value for name, value in stored.items() if name not in CHANGEABLE}
    text = json.dumps(
        without_empty_lists(asked), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert {line["specDigest"] for line in lines("cat")} == {digest}


def without_time(entry: Body) -> Body:
    """The log's times always have six digits."""
    return {name: value for name, value in entry.items() if name != "time"}


def without_empty_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_empty_lists(part) for key, part in value.items() if part != []}
    return [without_empty_lists(part) for part in value] if isinstance(value, list) else value
