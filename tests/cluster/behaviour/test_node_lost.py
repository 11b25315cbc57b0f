"""A node that is gone: its pods stay Terminating for as long as it is, and their ImageJobs go on.

The node has no kubelet; the test writes what one had reported before it was lost. Nobody touches an
ImageJob.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from support.api_objects import done, report
from support.ledgers import charges
from support.recorder import recording
from support.tenant import Body, Tenant, image_job, reason
from support.worker_pods import SLOW, bound

if TYPE_CHECKING:
    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

TIMEOUT = 60
PROMISED = timedelta(seconds=TIMEOUT + 125)
GIVEN_UP = timedelta(seconds=TIMEOUT + 120)
SOON = timedelta(seconds=8)
SECONDS = 90.0


def stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def patch(cluster: Client, pod: Body, status: Body) -> None:
    """What a kubelet reports of the pod."""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    cluster.rest.send("PATCH", path, {"status": status}, "merge").json()


def container(pod: Body, state: Body) -> Body:
    (spec,) = pod["spec"]["containers"]
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "ready": "running" in state,
        "restartCount": 0,
        "state": state,
    }


def lose(team: Tenant, node: str, *jobs: Body) -> Body:
    """The pod of a worker that has these ImageJobs, bound to the node. No operator is left."""
    with team.cluster.operator(f"before-{node}", worker_node_selector=json.dumps({"lost": node})):
        team.create(jobs)
        pod = team.cluster.wait_for(team.path("pods"), bound, SECONDS)
        team.wait(jobs[0]["metadata"]["name"], lambda status: bool(status.get("worker")))
    team.cluster.kubectl("cordon", node)
    return pod


def evict(team: Tenant, pod: Body) -> None:
    """As the controller of taints does: the pod is to be deleted, which only a kubelet can end."""
    team.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")


def terminating(team: Tenant) -> list[str]:
    pods = team.cluster.rest.get(team.path("pods"))["items"]
    return [each["metadata"]["name"] for each in pods if "deletionTimestamp" in each["metadata"]]


RUNNING_FOR = {"it is silent from soon on": GIVEN_UP - SOON, "it was silent before": GIVEN_UP * 2}


@pytest.mark.parametrize("age", RUNNING_FOR.values(), ids=RUNNING_FOR)
def test_the_image_jobs_of_a_lost_node_go_on_elsewhere(
    team: Tenant, lost_node: str, age: timedelta
) -> None:
    pod = lose(team, lost_node, image_job("cat", timeoutSeconds=TIMEOUT))
    began = (datetime.now(UTC) - age).replace(microsecond=0)
    state = {"running": {"startedAt": stamp(began)}}
    status = {"phase": "Running", "startTime": stamp(began)}
    patch(team.cluster, pod, {**status, "containerStatuses": [container(pod, state)]})
    evict(team, pod)

    operator = team.cluster.operator(f"after-{lost_node}")
    with recording(team.cluster.rest, team.path("jobs")) as workers, operator:
        started = datetime.now(UTC)
        ended = team.wait_finished("cat", SECONDS)
        team.wait_for_no_workers()
    made = [event.object["metadata"] for event in workers if event.type == "ADDED"]
    second = datetime.fromisoformat(made[-1]["creationTimestamp"])

    assert (ended["phase"], ended["attempts"], ended["disruptions"]) == ("Succeeded", 1, 1)
    assert charges(team.cluster, team.namespace) == 1
    assert began + GIVEN_UP <= second + timedelta(seconds=1)
    assert second <= max(began + PROMISED, started + timedelta(seconds=10))
    assert terminating(team) == [pod["metadata"]["name"]]


def test_a_pod_that_was_never_reported_to_start_is_given_up_too(
    team: Tenant, lost_node: str
) -> None:
    """As of a kubelet that had only begun to mount its volumes."""
    pod = lose(team, lost_node, image_job("cat", timeoutSeconds=TIMEOUT))
    patch(team.cluster, pod, {"phase": "Pending", "startTime": stamp(datetime.now(UTC) - GIVEN_UP)})
    evict(team, pod)

    with team.cluster.operator(f"after-{lost_node}"):
        ended = team.wait_finished("cat", SECONDS)
        team.wait_for_no_workers()

    assert (ended["phase"], ended["attempts"]) == ("Succeeded", 1)
    assert ended["disruptions"] == 1  # also of a pod that never ran, so that it ends at some time


def test_the_report_of_a_node_that_returns_late_changes_nothing(
    team: Tenant, lost_node: str
) -> None:
    """The next worker is at work then; what it stores is what the status shows."""
    slow = image_job("cat", "incoming/big.jpg", timeoutSeconds=TIMEOUT, outputs=SLOW)
    pod = lose(team, lost_node, slow)
    state = {"running": {"startedAt": stamp(datetime.now(UTC) - GIVEN_UP)}}
    patch(team.cluster, pod, {"phase": "Running", "containerStatuses": [container(pod, state)]})
    evict(team, pod)

    with team.cluster.operator(f"after-{lost_node}"):
        team.wait("cat", lambda status: reason(status) == "Processing" and "disruptions" in status)
        said = {"exitCode": 0, "message": report(done(outputs=len(SLOW)))}
        ended = {"terminated": {**said, **state["running"], "finishedAt": stamp(datetime.now(UTC))}}
        late = {"phase": "Succeeded", "containerStatuses": [container(pod, ended)]}
        patch(team.cluster, pod, late)
        finished = team.wait_finished("cat", SECONDS)
        team.wait_for_no_workers()

    assert (finished["phase"], finished["attempts"], finished["disruptions"]) == ("Succeeded", 1, 1)
    assert charges(team.cluster, team.namespace) == 1
    for output in finished["outputs"]:
        assert output["sha256"] == sha256(team.get(output["key"])).hexdigest()
