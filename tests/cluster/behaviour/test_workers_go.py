"""Nothing blocks the cluster's own ways to end pods: no policy protects a worker from them.

Each test removes a running worker, while no operator runs.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.errors import DevError
from support.actors import Actor, account, bind, evicts_everywhere
from support.conditions import until
from support.tenant import Body, Tenant, image_job
from support.worker_pods import bound, running_pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

COUNT = 2
SECONDS = 150.0  # the garbage collector discovers new kinds every 30 s, that of pods waits 60 s
DRAIN = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=60s")
WORKERS = "imagejob.dev/component=worker"


@pytest.fixture
def silent(cluster: Client) -> Iterator[str]:
    """A store that never answers: its client runs until something ends it."""
    with socket.create_server((cluster.address, 0)) as server:
        host, port = server.getsockname()
        yield f"http://{host}:{port}"


@pytest.fixture
def team(newcomer: Tenant, silent: str) -> Tenant:
    """A team with some ImageJobs that share a worker, once an operator sees them."""
    newcomer.apply(newcomer.secret(), newcomer.store(endpoint=silent))
    newcomer.create([image_job(name) for name in names()])
    return newcomer


@pytest.fixture
def worker(team: Tenant) -> Body:
    """The running pod of the only worker."""
    with team.cluster.operator("going-operator"):
        return running_pod(team, names()[0])


def names() -> list[str]:
    return [f"cat-{number}" for number in range(COUNT)]


def until_gone(team: Tenant, pod: Body) -> None:
    def gone(pods: list[Body]) -> bool | None:
        uids = {each["metadata"]["uid"] for each in pods}
        return None if pod["metadata"]["uid"] in uids else True

    team.cluster.wait_for(team.path("pods"), gone, SECONDS)


def why_disrupted(team: Tenant, pod: Body) -> str:
    """The reason that the cluster gives for ending the pod, before or after its end."""
    version = pod["metadata"]["resourceVersion"]
    with team.cluster.rest.watch(team.path("pods"), version, SECONDS) as events:
        for event in events:
            body = event["object"]
            for condition in body.get("status", {}).get("conditions", []):
                if (condition["type"], body["metadata"]["uid"]) == (
                    "DisruptionTarget",
                    pod["metadata"]["uid"],
                ):
                    reason: str = condition["reason"]
                    return reason
    raise TimeoutError(f"no DisruptionTarget of {pod['metadata']['name']} within {SECONDS:.0f} s")


def why_ended(team: Tenant) -> str:
    """The reason for which its Job failed, once it has: it creates no other pod."""

    def found(jobs: list[Body]) -> str | None:
        conditions = [each for job in jobs for each in job["status"].get("conditions", [])]
        return next((each["reason"] for each in conditions if each["type"] == "Failed"), None)

    reason = team.cluster.wait_for(team.path("jobs"), found, SECONDS)
    assert team.cluster.rest.get(team.path("pods"))["items"] == []
    return reason


@pytest.mark.parametrize("cascade", ["background", "foreground"])
def test_the_garbage_collector_removes_what_lost_all_its_owners(
    team: Tenant, worker: Body, cascade: str
) -> None:
    (job,) = team.cluster.rest.get(team.path("jobs"))["items"]
    assert len(job["metadata"]["ownerReferences"]) == COUNT

    team.kubectl("delete", "imagejob", *names(), f"--cascade={cascade}", "--wait=false")

    team.wait_for_no_workers(SECONDS)
    until_gone(team, worker)


def test_the_job_controller_removes_the_pod_of_a_suspended_job(team: Tenant, worker: Body) -> None:
    job = worker["metadata"]["labels"]["batch.kubernetes.io/job-name"]

    team.kubectl("patch", "job", job, '--patch={"spec": {"suspend": true}}')

    until_gone(team, worker)


def test_a_namespace_goes_with_its_workers(team: Tenant, worker: Body) -> None:
    path = f"/api/v1/namespaces/{team.namespace}"

    team.cluster.rest.delete(path)

    until_gone(team, worker)
    until(lambda: not team.cluster.rest.answers(path), SECONDS, every=0.2)


def test_a_drain_by_an_administrator_removes_workers(team: Tenant, worker: Body) -> None:
    node = worker["spec"]["nodeName"]

    try:
        team.cluster.kubectl("drain", node, f"--pod-selector={WORKERS}", *DRAIN)
    finally:
        team.cluster.kubectl("uncordon", node)

    until_gone(team, worker)


@pytest.fixture
def drainer(cluster: Client, lenient_namespace: str, team: Tenant) -> Actor:
    """An account of the platform, so far with `edit` in the tenant's namespace only."""
    made = account(cluster, lenient_namespace, "drainer")
    bind(Actor(cluster, team.namespace, made.user, made.kubeconfig), "edit", ("delete", "pods"))
    return made


def evict(drainer: Actor, pod: Body) -> None:
    meta = {name: pod["metadata"][name] for name in ("name", "namespace")}
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    drainer.kubectl("create", "--raw", path, "--filename=-", stdin=json.dumps(body))


def test_who_may_evict_in_all_namespaces_evicts_workers(
    team: Tenant, worker: Body, drainer: Actor
) -> None:
    with pytest.raises(DevError, match="imagejob-worker-evictions"):
        evict(drainer, worker)

    with evicts_everywhere(drainer):
        evict(drainer, worker)

    assert why_disrupted(team, worker) == "EvictionByEvictionAPI"
    until_gone(team, worker)
    assert why_ended(team) == "PodFailurePolicy"


def test_a_tenant_s_budget_for_disruptions_delays_an_eviction(
    team: Tenant, worker: Body, drainer: Actor
) -> None:
    """As for any pod; no policy of ours could distinguish it from a legitimate budget."""
    budget = ("poddisruptionbudget", "mine", f"--selector={WORKERS}", "--min-available=100%")
    team.kubectl("create", *budget, f"--as={drainer.user}")

    with evicts_everywhere(drainer), pytest.raises(DevError, match="disruption budget"):
        evict(drainer, worker)

    team.kubectl("delete", "pod", worker["metadata"]["name"], "--wait=false")
    until_gone(team, worker)
    assert why_ended(team) == "BackoffLimitExceeded"


def test_a_lost_node_loses_its_workers(team: Tenant, lost_node: str) -> None:
    """The controller of taints deletes them, and when the node is gone the pods' collector does."""
    selector = json.dumps({"lost": lost_node})
    with team.cluster.operator("lost-operator", worker_node_selector=selector):
        worker = team.cluster.wait_for(team.path("pods"), bound)

    team.cluster.kubectl("taint", "node", lost_node, "lost=yes:NoExecute")
    by_taint = why_disrupted(team, worker)
    team.cluster.kubectl("delete", "node", lost_node)

    assert by_taint == "DeletionByTaintManager"
    until_gone(team, worker)
