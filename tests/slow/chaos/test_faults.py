"""Faults around an operator with default settings: everything ends well, and is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_dev.policies import wait_in_force
from support.tenant import Body, Tenant, image_job, is_finished, reason
from support.worker_pods import SLOW, kill, running_pod

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]

OUTAGE_SECONDS = 30.0
LONG = 200.0  # for the cluster's own controllers, or for a backoff
NODE = "/api/v1/nodes/process-node"
PHOTOS = [f"photo-{number}" for number in range(8)]


def test_a_worker_killed_in_the_middle_is_followed_by_another(team: Tenant) -> None:
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    lost = kill(running_pod(team, "cat"))
    running_pod(team, "cat", but=[lost])
    ended = team.wait_finished("cat")

    assert ended["phase"] == "Succeeded"
    assert ended["attempts"] == 2
    assert (ended["lastFailure"]["attempt"], ended["lastFailure"]["reason"]) == (1, "WorkerLost")
    assert reasons(ended)[-1] == "Succeeded"
    assert "WorkerLost" in reasons(ended)


def test_a_file_that_always_ends_its_worker_fails_alone(team: Tenant) -> None:
    """The test plays the kernel: it kills every worker that opens the file."""
    team.apply(image_job("bomb", "incoming/big.jpg", outputs=SLOW, retries=1))
    team.apply(*(image_job(name) for name in PHOTOS))

    killed: list[str] = []
    for _ in range(2):
        killed.append(kill(running_pod(team, "bomb", but=killed)))
    ended = team.wait_all(is_finished, 1 + len(PHOTOS))

    bomb = ended.pop("bomb")
    assert (bomb["phase"], reason(bomb), bomb["attempts"]) == ("Failed", "WorkerLost", 2)
    assert {status["phase"] for status in ended.values()} == {"Succeeded"}


def test_an_outage_of_the_store_is_outlasted(cluster: Cluster, team: Tenant) -> None:
    before = team.version("imagejobs")
    cluster.s3.stop()
    try:
        team.apply(*(image_job(name) for name in PHOTOS))
        with cluster.rest.watch(team.path("imagejobs"), before, OUTAGE_SECONDS) as events:
            during = [event["object"].get("status", {}) for event in events]
    finally:
        cluster.s3.start()
    ended = team.wait_all(is_finished, len(PHOTOS), LONG)

    assert "StorageUnavailable" in {reason(status) for status in during}
    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    assert all("StorageUnavailable" in reasons(status) for status in ended.values())


def test_an_outage_of_the_api_server_is_outlasted(cluster: Cluster, team: Tenant) -> None:
    team.apply(image_job("big", "incoming/big.jpg", outputs=SLOW))
    team.apply(*(image_job(name) for name in PHOTOS))
    running_pod(team, "big")

    cluster.apiserver.stop()
    cluster.apiserver.start()
    wait_in_force(cluster.rest, team.namespace)
    team.apply(image_job("later"))
    ended = team.wait_all(is_finished, 2 + len(PHOTOS))

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    assert {status["attempts"] for status in ended.values()} == {1}


def test_an_evicted_pod_costs_no_attempt(cluster: Cluster, team: Tenant) -> None:
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    pod = running_pod(team, "cat")["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    cluster.rest.post(f"{team.path('pods')}/{pod}/eviction", eviction)
    ended = team.wait_finished("cat")

    assert ended["phase"] == "Succeeded"
    assert (ended["attempts"], ended["disruptions"]) == (1, 1)
    assert "Evicted" in reasons(ended)


def test_a_node_that_is_removed_costs_no_attempt(cluster: Cluster, team: Tenant) -> None:
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    running_pod(team, "cat")

    cluster.node.stop()
    try:
        cluster.rest.delete(NODE)
        evicted = team.wait("cat", lambda status: "Evicted" in reasons(status), LONG)
    finally:
        cluster.node.start()
    ended = team.wait_finished("cat", LONG)

    assert not is_finished(evicted)
    assert ended["phase"] == "Succeeded"
    assert (ended["attempts"], ended["disruptions"]) == (1, 1)


def reasons(status: Body) -> list[str]:
    """The sequence of reasons in the status."""
    return [entry["reason"] for entry in status.get("audit", [])]
