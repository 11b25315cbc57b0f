"""Events under new names, and beside one that somebody else created under our name."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import AuditEntry
from imagejob_operator.kube import records
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.kube.errors import ConflictError
from imagejob_operator.observability.metrics import Metrics
from support.api_objects import NOW, image_job

CAT = image_job()
ENTRY = AuditEntry(5, NOW, "imagejob-operator", "Failed", "CorruptImage", "cut short")
EVENT = records.event(CAT, ENTRY, "op-0")


class Events:
    """The API server's Events by name, as both of its APIs have them."""

    def __init__(self) -> None:
        self.metrics, self.limiter = Metrics(), AdaptiveConcurrencyLimiter()
        self.stored: dict[str, dict[str, Any]] = {}
        self.listed: list[list[tuple[str, str]]] = []

    async def send(
        self,
        method: str,
        _path: str,
        body: dict[str, Any] | None = None,
        query: list[tuple[str, str]] | None = None,
    ) -> bytes:
        if method == "POST":
            assert body
            name = body["metadata"]["name"]
            if name in self.stored:
                raise ConflictError(409, "already exists")
            self.stored[name] = body
            return b"{}"
        assert query
        self.listed.append(query)
        (_, selector), *_ = query
        found = self.stored.get(selector.removeprefix("metadata.name="))
        items = [core(found)] if found else []
        return msgspec.json.encode({"metadata": {"resourceVersion": "7"}, "items": items})


def core(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {**event["metadata"], "uid": "uid-event", "resourceVersion": "6"},
        "type": event["type"],
        "reason": event["reason"],
        "message": event["note"],
        "reportingComponent": event["reportingController"],
    }


def posted(*events: dict[str, Any], among: dict[str, Any] | None = None) -> Events:
    server: Any = Events()
    if among:
        server.stored[among["metadata"]["name"]] = among
    for event in events:
        asyncio.run(Cluster(server).events.post(event))
    found: Events = server
    return found


def test_an_event_that_two_operators_send_is_one() -> None:
    server = posted(EVENT, records.event(CAT, ENTRY, "op-1"))

    assert list(server.stored) == [EVENT["metadata"]["name"]]


FORGED = {
    "success": {"reason": "Succeeded", "note": "1 output", "type": "Normal"},
    "other words": {"note": "all is well"},
    "no warning": {"type": "Normal"},
    "the same words of somebody else": {"reportingController": "mallory.dev/operator"},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_event_under_its_name_does_not_replace_it(
    forged: dict[str, Any],
) -> None:
    server = posted(EVENT, among={**EVENT, **forged})

    other, ours = server.stored.values()
    assert other == {**EVENT, **forged}
    assert {**ours, "metadata": EVENT["metadata"]} == EVENT
    assert ours["metadata"]["name"] != EVENT["metadata"]["name"]
    ((asked, *_),) = server.listed
    assert asked == ("fieldSelector", f"metadata.name={EVENT['metadata']['name']}")


@pytest.mark.parametrize(
    "change",
    [
        {"time": NOW + timedelta(microseconds=1)},
        {"message": "cut shorter"},
        {"reason": "TooLarge"},
        {"seq": 6},
    ],
    ids=str,
)
def test_no_name_can_be_known_before_all_that_it_says(change: dict[str, Any]) -> None:
    other = records.event(CAT, msgspec.structs.replace(ENTRY, **change), "op-0")

    assert other["metadata"]["name"] != EVENT["metadata"]["name"]
    assert other["metadata"]["name"].startswith("uid-cat.")


def test_two_other_names_are_two() -> None:
    names = {records.renamed(EVENT, salt)["metadata"]["name"] for salt in (b"a", b"b")}

    assert len(names) == 2
