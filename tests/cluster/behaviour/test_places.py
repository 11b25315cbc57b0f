"""Two ImageStores that lead to one place, and one whose place changes: on a real cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import audit_log
from support.tenant import Tenant, image_job, reason
from support.worker_pods import running_pod

if TYPE_CHECKING:
    from imagejob_dev.program import Program

pytestmark = pytest.mark.kubelet

LONG = [{"name": f"large-{number}", "width": 3000, "format": "avif"} for number in range(4)]


@pytest.fixture(autouse=True)
def spelled_otherwise(team: Tenant, operator: Program) -> None:
    """A second store for the team's bucket."""
    assert operator.log.exists()
    endpoint = team.cluster.s3.endpoint
    scheme, _, address = endpoint.partition("://")
    team.apply(team.store("other", endpoint=f"{scheme}://{address}/"))


def test_no_output_lands_on_its_source_by_another_store(team: Tenant) -> None:
    team.put("derived/cat/thumb.jpg", team.get("incoming/cat.jpg"))
    before = team.get("derived/cat/thumb.jpg")

    team.apply(image_job(key="derived/cat/thumb.jpg", destination={"storeRef": {"name": "other"}}))
    status = team.wait_finished("cat")

    assert (status["phase"], reason(status)) == ("Failed", "InvalidSpec")
    assert team.get("derived/cat/thumb.jpg") == before


def test_no_two_workers_write_to_one_place_by_two_stores(team: Tenant) -> None:
    shared = {"prefix": "derived/shared"}
    team.apply(image_job("first", "incoming/big.jpg", outputs=LONG, destination=shared))
    running_pod(team, "first")

    team.apply(image_job("second", destination={**shared, "storeRef": {"name": "other"}}))
    waiting = team.wait("second", lambda status: reason(status) == "DestinationBusy")
    first, second = (team.wait_finished(name) for name in ("first", "second"))

    assert waiting["phase"] == "Queued"
    assert (first["phase"], second["phase"]) == ("Succeeded", "Succeeded")
    assert second["startTime"] >= first["completionTime"]


def test_the_place_of_an_output_is_kept_when_its_store_changes(
    team: Tenant, operator: Program
) -> None:
    elsewhere = team.cluster.s3.make_bucket(f"{team.namespace}-new")
    team.apply(image_job("first"))
    was = team.wait_finished("first")["stores"]
    team.apply(team.store(bucket=elsewhere))
    team.apply(image_job("second"))

    now = team.wait_finished("second")["stores"]

    place = {"endpoint": team.cluster.s3.endpoint}
    assert was == [{"name": "uploads", "generation": 1, "bucket": team.bucket, **place}]
    assert now == [{"name": "uploads", "generation": 2, "bucket": elsewhere, **place}]
    assert team.status("first")["stores"] == was
    told = audit_log.places(operator.log, team.namespace)
    assert told == {"first": team.bucket, "second": elsewhere}
