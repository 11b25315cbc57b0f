"""The operator is killed while ImageJobs are in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.tenant import Tenant, image_job, is_finished, picture

if TYPE_CHECKING:
    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

SECONDS = 90.0
NAMES = [f"photo-{number}" for number in range(20)]


def test_killed_and_restarted_it_loses_nothing_and_repeats_nothing(
    cluster: Client, namespace: str
) -> None:
    team = Tenant(cluster, namespace)
    team.open()
    team.put("incoming/photo.jpg", picture(3000, 2000))
    before = team.version("jobs")
    with cluster.operator("killed-operator") as operator:
        team.apply(*(image_job(name, "incoming/photo.jpg") for name in NAMES))
        for finished in (1, 6, 12):
            team.wait_all(is_finished, finished, SECONDS)
            operator.kill()
            operator.start()
        statuses = team.wait_all(is_finished, len(NAMES), SECONDS)
        team.wait_for_no_workers()

    assert {status["phase"] for status in statuses.values()} == {"Succeeded"}
    assert {f"derived/{name}/thumb.jpg" for name in NAMES} <= set(team.keys())
    made = [
        owner["name"]
        for event in team.history("jobs", before)
        for owner in event["object"]["metadata"]["ownerReferences"]
        if event["type"] == "ADDED"
    ]
    assert sorted(made) == sorted(NAMES)
    for status in statuses.values():
        assert [entry["seq"] for entry in status["audit"]] == list(
            range(1, len(status["audit"]) + 1)
        )
