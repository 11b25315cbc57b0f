"""A team with a dripping store holds all the workers it may; a newcomer starts immediately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.dripping import Hog, drip
from support.s3_stores import Stub, serving
from support.tenant import Tenant, image_job, picture

if TYPE_CHECKING:
    from imagejob_dev.client import Client

pytestmark = pytest.mark.laptop  # its store is on this machine

SETTINGS = {"max_workers": "4", "reserved_worker_share": "0.25", "quota": "1000/1h"}
MAY_HOLD = 3


def test_a_newcomer_starts_while_another_holds_all_it_may(
    cluster: Client, namespace: str, lenient_namespace: str
) -> None:
    team = Tenant(cluster, lenient_namespace)
    team.put("incoming/cat.jpg", picture(64, 48))
    team.open()
    with serving(Stub(drip)) as stub, cluster.operator("hogs-operator", **SETTINGS):
        hog = Hog(cluster, namespace, stub)
        hog.open()
        hog.begin(120)
        hog.wait_for_workers(MAY_HOLD)

        team.create([image_job(f"tiny-{n}") for n in range(30)])
        done = team.wait_all(lambda status: status.get("phase") == "Succeeded", 30)

        assert len(done) == 30
        assert hog.workers() == MAY_HOLD
        held = hog.wait("drip-0", lambda status: bool(status.get("worker")))
        assert held["notes"] == [
            "timeoutSeconds was lowered from 3600 to 600, the most that this namespace may have",
            "retries was lowered from 10 to 5, the most that this namespace may have",
        ]
        cluster.kubectl("delete", "ij", "--all", "-n", namespace, "--wait=false")
