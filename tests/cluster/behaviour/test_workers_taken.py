"""Workers removed behind the operator's back, by something that bypasses the policies.

Here that is the administrator, with a store that serves a different image each time and never
answers the last PUT: one charge is one source, or as many as there are attempts.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.rest import ApiError
from support import namespaces
from support.conditions import until
from support.hostile_store import HostileStore, hostile_store
from support.ledgers import charges
from support.recorder import Event, recording
from support.tenant import Body, Tenant, image_job, is_finished, reason, sleeper
from support.worker_pods import running_pod
from support.worker_policies import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

pytestmark = [pytest.mark.kubelet, pytest.mark.usefixtures("unguarded", "operator")]

SECONDS = 150.0
ORPHAN = "propagationPolicy=Orphan"
PROPAGATIONS = ("Background", "Foreground", "Orphan")


@pytest.fixture(scope="module")
def unguarded(cluster: Client) -> Iterator[None]:
    """A cluster without the policies that protect workers."""
    with namespaces.fresh(cluster, labels={}) as namespace:
        job = sleeper("ij-abcdefghijklmnop")
        job["metadata"]["labels"] = {"imagejob.dev/component": "worker"}
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        cluster.rest.post(path, job)

        def may_be_orphaned() -> bool:
            try:
                cluster.rest.delete(f"{path}/{job['metadata']['name']}?{ORPHAN}&dryRun=All")
            except ApiError:
                return False
            return True

        bindings = [f"imagejob-worker-{name}" for name in ("pods", "deletions", "evictions")]
        cluster.kubectl("delete", "validatingadmissionpolicybindings", *bindings)
        until(may_be_orphaned)
        yield
        cluster.apply(FILE)
        until(lambda: not may_be_orphaned())


def started(team: Tenant, store: HostileStore, count: int = 1) -> Body:
    """The ImageJob's running pod, once it has put that many outputs."""
    pod = running_pod(team, "cat", seconds=SECONDS)
    until(lambda: len(store.stored) >= count, SECONDS)
    return pod


def delete_job(team: Tenant, pod: Body, propagation: str) -> None:
    name = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    team.cluster.rest.delete(f"{team.path('jobs')}/{name}?propagationPolicy={propagation}")


def evict(team: Tenant, pod: str) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    team.cluster.rest.post(f"{team.path('pods')}/{pod}/eviction", eviction)


def until_no_pods(team: Tenant) -> None:
    team.cluster.wait_for(team.path("pods"), lambda pods: None if pods else True, SECONDS)


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_a_deleted_job_costs_the_only_attempt_and_leaves_no_pod(
    hosted: Tenant, hostile: HostileStore, propagation: str
) -> None:
    hosted.apply(image_job(retries=0))
    delete_job(hosted, started(hosted, hostile), propagation)
    ended = hosted.wait_finished("cat", SECONDS)
    until_no_pods(hosted)

    assert (ended["phase"], reason(ended), ended["attempts"]) == ("Failed", "WorkerLost", 1)
    assert hostile.distinct() == hostile.reads == charges(hosted.cluster, hosted.namespace) == 1


def test_a_job_that_is_deleted_while_no_operator_looks_costs_the_attempt(
    hosted: Tenant, hostile: HostileStore, operator: Program
) -> None:
    hosted.apply(image_job(retries=0))
    pod = started(hosted, hostile)
    hosted.wait("cat", lambda status: status.get("phase") == "Running", SECONDS)
    operator.stop()
    delete_job(hosted, pod, "Background")
    until_no_pods(hosted)
    operator.start()
    ended = hosted.wait_finished("cat", SECONDS)

    assert (ended["phase"], reason(ended)) == ("Failed", "WorkerLost")
    assert ended["attempts"] == hostile.reads == 1


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_no_other_pod_starts_before_the_last_one_has_ended(
    hosted: Tenant, hostile: HostileStore, propagation: str
) -> None:
    hostile.swaps = False
    with recording(hosted.cluster.rest, hosted.path("pods")) as events:
        hosted.apply(image_job(retries=1))
        delete_job(hosted, started(hosted, hostile), propagation)
        started(hosted, hostile, 2)
        hostile.answers.set()
        ended = hosted.wait_finished("cat", SECONDS)
        hosted.wait_for_no_workers()

    assert (ended["phase"], ended["attempts"]) == ("Succeeded", 2)
    assert most_at_once(events) == 1


def test_a_deleted_pod_costs_an_attempt_and_the_next_one_finds_the_same_source_or_fails(
    hosted: Tenant, hostile: HostileStore
) -> None:
    hosted.apply(image_job(retries=5))
    pod = started(hosted, hostile)["metadata"]["name"]
    hosted.kubectl("delete", "pod", pod, "--wait=false")
    ended = hosted.wait_finished("cat", SECONDS)

    assert (ended["phase"], reason(ended), ended["attempts"]) == ("Failed", "SourceChanged", 2)
    assert ended["lastFailure"]["reason"] in ("WorkerLost", "SourceChanged")
    assert hostile.distinct() == charges(hosted.cluster, hosted.namespace) == 1


def test_a_pod_without_an_owner_costs_the_attempt_and_is_deleted(
    hosted: Tenant, hostile: HostileStore
) -> None:
    hosted.apply(image_job(retries=0))
    pod = started(hosted, hostile)["metadata"]["name"]
    change = json.dumps({"metadata": {"ownerReferences": None}})
    hosted.kubectl("patch", "pod", pod, "--type=merge", f"--patch={change}")
    ended = hosted.wait_finished("cat", SECONDS)
    hosted.wait_for_no_workers(SECONDS)
    until_no_pods(hosted)

    assert (ended["phase"], reason(ended)) == ("Failed", "WorkerLost")
    assert ended["attempts"] == 1


def test_after_an_eviction_a_changed_source_is_rejected(
    hosted: Tenant, hostile: HostileStore
) -> None:
    hosted.apply(image_job(retries=0))
    pod = started(hosted, hostile)["metadata"]["name"]
    evict(hosted, pod)
    until(lambda: hostile.reads > 1, SECONDS)
    hostile.answers.set()
    ended = hosted.wait_finished("cat", SECONDS)

    assert (ended["phase"], reason(ended)) == ("Failed", "SourceChanged")
    assert (ended["attempts"], ended["disruptions"]) == (1, 1)


def test_what_had_succeeded_before_an_eviction_stays_as_its_status_says(
    hosted: Tenant, hostile: HostileStore, operator: Program
) -> None:
    """Two run at once, so the third starts when the first has been reported."""
    hostile.prompt = "/quick/"
    operator.stop()
    hosted.create(
        [image_job(name, priority=-place) for place, name in enumerate(("quick", "slow", "late"))]
    )
    operator.start()
    pod = running_pod(hosted, "quick", seconds=SECONDS)["metadata"]["name"]
    until(lambda: len(hostile.stored) == 3, SECONDS)
    evict(hosted, pod)
    until(lambda: hostile.reads > 3, SECONDS)
    hostile.answers.set()
    ended = hosted.wait_all(is_finished, 3, SECONDS)
    hosted.wait_for_no_workers()

    (there,) = [body for path, body in hostile.objects.items() if "/quick/" in path]
    assert [each["sha256"] for each in ended["quick"]["outputs"]] == [sha256(there).hexdigest()]
    assert {name: reason(status) for name, status in ended.items()} == {
        "quick": "Succeeded",
        "slow": "SourceChanged",
        "late": "SourceChanged",
    }
    assert [ended[name].get("disruptions") for name in ("quick", "slow", "late")] == [None, 1, 1]
    assert hostile.distinct() <= charges(hosted.cluster, hosted.namespace) == 3


def test_who_was_with_others_in_a_deleted_worker_pays_too(
    hosted: Tenant, hostile: HostileStore
) -> None:
    names = [f"cat-{number}" for number in range(4)]
    hosted.create([image_job(name, retries=0) for name in names])
    pod = running_pod(hosted, names[0], seconds=SECONDS)
    until(lambda: len(hostile.stored) >= 1, SECONDS)
    delete_job(hosted, pod, "Background")
    hostile.answers.set()
    hosted.wait_all(lambda status: status.get("phase") in ("Succeeded", "Failed"), 4, SECONDS)

    assert hostile.distinct() <= charges(hosted.cluster, hosted.namespace) == len(names)


@pytest.fixture
def honest(cluster: Client) -> Iterator[HostileStore]:
    """It serves one image, and holds each PUT until it may answer."""
    with hostile_store(cluster.address, swaps=False) as server:
        yield server


def test_a_suspended_worker_waits_until_it_is_resumed(
    newcomer: Tenant, honest: HostileStore
) -> None:
    honest.answers.set()
    newcomer.kubectl("create", "quota", "none", "--hard=pods=0")
    newcomer.apply(newcomer.secret(), newcomer.store(endpoint=honest.endpoint))
    newcomer.apply(image_job(retries=0))
    (job,) = newcomer.cluster.wait_for(newcomer.path("jobs"), lambda jobs: jobs or None, SECONDS)
    queue = {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "images"}}}
    change(newcomer, job["metadata"]["name"], {**queue, "spec": {"suspend": True}})
    waits = newcomer.wait("cat", lambda status: reason(status) == "WorkerSuspended", SECONDS)
    newcomer.kubectl("delete", "quota", "none")
    change(newcomer, job["metadata"]["name"], {"spec": {"suspend": False}})
    ended = newcomer.wait_finished("cat", SECONDS)

    (ready,) = [each for each in waits["conditions"] if each["type"] == "Ready"]
    assert waits["phase"] == "Queued"
    assert 'the queue "images"' in ready["message"]
    assert (ended["phase"], ended["attempts"]) == ("Succeeded", 1)
    assert ended["worker"]["job"] == job["metadata"]["name"]


def test_a_worker_that_is_suspended_under_its_pod_is_followed_by_another(
    newcomer: Tenant, honest: HostileStore
) -> None:
    newcomer.apply(newcomer.secret(), newcomer.store(endpoint=honest.endpoint))
    newcomer.apply(image_job(retries=0))
    job = started(newcomer, honest)["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    change(newcomer, job, {"spec": {"suspend": True}})
    started(newcomer, honest, 2)
    honest.answers.set()
    ended = newcomer.wait_finished("cat", SECONDS)

    assert (ended["phase"], ended["attempts"], ended["disruptions"]) == ("Succeeded", 1, 1)
    assert ended["worker"]["job"] != job
    assert charges(newcomer.cluster, newcomer.namespace) == 1


def change(team: Tenant, job: str, patch: Body) -> None:
    team.kubectl("patch", "job", job, "--type=merge", f"--patch={json.dumps(patch)}")


def most_at_once(events: list[Event]) -> int:
    """The largest number of pods that ran at the same time."""
    running: set[str] = set()
    most = 0
    for event in events:
        name, status = event.object["metadata"]["name"], event.object["status"]
        states = [each["state"] for each in status.get("containerStatuses", [])]
        if event.type != "DELETED" and any("running" in state for state in states):
            running.add(name)
        else:
            running.discard(name)
        most = max(most, len(running))
    return most
