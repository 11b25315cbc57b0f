"""A namespace over its cache limit waits, says so, and continues later; others don't notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import namespaces
from support.tenant import Body, Tenant, image_job, is_finished, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

ROOM = "64Ki"
"""Enough for a store and six ImageJobs."""

MANY = 15
SECONDS = 120.0


@pytest.fixture(scope="module")
def operator(cluster: Client) -> Iterator[Program]:
    """An operator with a small cache per namespace."""
    with cluster.operator("cache-full-operator", namespace_memory=ROOM) as running:
        yield running


@pytest.fixture
def neighbour(cluster: Client) -> Iterator[Tenant]:
    with namespaces.fresh(cluster) as name:
        tenant = Tenant(cluster, name)
        tenant.put("incoming/cat.jpg", picture())
        tenant.open()
        yield tenant


def test_all_are_processed_in_turn_and_the_namespace_gets_an_event(
    cluster: Client, operator: Program, team: Tenant, neighbour: Tenant
) -> None:
    team.quota("1000/1h")
    team.create([image_job(f"photo-{number:02}", suspend=True) for number in range(MANY)])
    full = team.quota_status(_says("False", "CacheFull"), SECONDS)
    told = cluster.wait_for(f"/api/v1/namespaces/{team.namespace}/events", _cache_full, SECONDS)
    neighbour.apply(image_job("cat"))
    assert neighbour.wait_finished("cat")["phase"] == "Succeeded"

    assert told["type"] == "Warning"
    assert full["waiting"] == 0, "nobody is told to wait for the quota"
    for number in range(MANY):
        team.patch(f"photo-{number:02}", suspend=False)
    ended = team.wait_all(is_finished, MANY, SECONDS)

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    team.quota_status(_says("True", "Applied"), SECONDS)
    warned = [
        line for line in operator.log.read_text().splitlines() if "exceeds cache.bytes" in line
    ]
    assert f"namespace={team.namespace}" in warned[0]


def _says(status: str, reason: str) -> Callable[[Body], bool]:
    def found(quota: Body) -> bool:
        conditions = quota.get("conditions", ())
        return any((each["status"], each["reason"]) == (status, reason) for each in conditions)

    return found


def _cache_full(events: list[Body]) -> Body | None:
    return next((each for each in events if each["reason"] == "CacheFull"), None)
