"""Only the operator creates objects that it would accept as a worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.errors import DevError
from support.actors import Actor, editor, person
from support.conditions import until
from support.tenant import Body

if TYPE_CHECKING:
    from imagejob_dev.client import Client

LABEL = "imagejob.dev/component"
OURS = {LABEL: "worker"}
FORBIDDEN = "forbidden: ValidatingAdmissionPolicy 'imagejob-worker-"
NOWHERE = {
    "restartPolicy": "Never",
    "nodeSelector": {"imagejob-test": "no-such-node"},
    "containers": [{"name": "worker", "image": "none"}],
}


def pod(name: str = "w", labels: dict[str, str] = OURS, **metadata: Any) -> Body:
    """A pod that is never scheduled."""
    meta = {"name": name, "labels": labels, **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": NOWHERE}


def job(
    name: str = "w",
    labels: dict[str, str] = OURS,
    pods: dict[str, str] = OURS,
    **metadata: Any,
) -> Body:
    """A Job without pods."""
    meta = {"name": name, "labels": labels, **metadata}
    spec = {"suspend": True, "template": {"metadata": {"labels": pods}, "spec": NOWHERE}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def replica_set() -> Body:
    spec = {
        "selector": {"matchLabels": OURS},
        "template": {"metadata": {"labels": OURS}, "spec": {**NOWHERE, "restartPolicy": "Always"}},
    }
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "w"}, "spec": spec}


def make(actor: Actor, *bodies: Body) -> None:
    text = "\n---\n".join(json.dumps(body) for body in bodies)
    actor.kubectl("create", "-f", "-", stdin=text)


@pytest.fixture
def admin(cluster: Client, lenient_namespace: str) -> Actor:
    return person(cluster, lenient_namespace, "ada", "system:masters")


@pytest.fixture
def alice(cluster: Client, lenient_namespace: str) -> Actor:
    """A tenant, once the policies take effect."""
    alice = editor(person(cluster, lenient_namespace, "alice"))
    until(lambda: all(_refused(alice, body) for body in (job(), pod())))
    return alice


def _refused(actor: Actor, body: Body) -> bool:
    try:
        actor.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(body))
    except DevError as error:
        return FORBIDDEN in str(error)
    return False


WORKERS = {
    "a Job": job(),
    "a Job that only says so itself": job(pods={}),
    "a Job whose pods say so": job(labels={}),
    "a pod": pod(),
}


@pytest.mark.parametrize("case", WORKERS)
def test_a_tenant_makes_no_worker(alice: Actor, case: str) -> None:
    with pytest.raises(DevError, match=FORBIDDEN):
        make(alice, WORKERS[case])


@pytest.mark.parametrize("label", [{}, {LABEL: "else"}, {"app": "worker"}], ids=str)
def test_a_tenant_makes_jobs_and_pods_of_other_kinds(alice: Actor, label: dict[str, str]) -> None:
    make(alice, job(labels=label, pods=label), pod(labels=label))

    alice.kubectl("label", "job/w", "pod/w", "tier=batch")


def test_what_exists_does_not_become_a_worker(alice: Actor) -> None:
    make(alice, job(labels={}, pods={}), pod(labels={}))

    for what in ("job/w", "pod/w"):
        with pytest.raises(DevError, match=FORBIDDEN):
            alice.kubectl("label", what, f"{LABEL}=worker")


CHANGES = {
    "the Job's label": ("label", "job/w", f"{LABEL}-"),
    "the Job": ("annotate", "job/w", "a=b"),
    "the pod's label": ("label", "pod/w", f"{LABEL}-"),
    "whose worker the pod is": ("label", "pod/w", "batch.kubernetes.io/job-name=another"),
    "the pod's image": ("set", "image", "pod/w", "worker=evil"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_tenant_changes_no_worker(admin: Actor, alice: Actor, case: str) -> None:
    make(admin, job(), pod())

    with pytest.raises(DevError, match=FORBIDDEN):
        alice.kubectl(*CHANGES[case])


def test_a_tenant_may_annotate_a_worker_pod(admin: Actor, alice: Actor) -> None:
    make(admin, job(), pod())

    alice.kubectl("annotate", "pod/w", "a=b")


def test_no_other_controller_makes_workers(cluster: Client, alice: Actor) -> None:
    make(alice, replica_set())

    def refusal(sets: list[Body]) -> str | None:
        conditions = [each for item in sets for each in item["status"].get("conditions", [])]
        return next((each["message"] for each in conditions if each["status"] == "True"), None)

    path = f"/apis/apps/v1/namespaces/{alice.namespace}/replicasets"
    assert FORBIDDEN in cluster.wait_for(path, refusal)
    assert not alice.kubectl("get", "pods", "--output=name")


def test_the_garbage_collector_drops_an_owner_that_is_gone(cluster: Client, admin: Actor) -> None:
    """The owners are ConfigMaps: the collector discovers new kinds, as ours, only every 30 s."""
    owners = [_owner(admin, name) for name in ("cat", "dog")]
    make(admin, job(ownerReferences=owners))

    admin.kubectl("delete", "configmap", "cat")

    def only_dog(jobs: list[Body]) -> bool | None:
        left = [owner["name"] for each in jobs for owner in each["metadata"]["ownerReferences"]]
        return True if left == ["dog"] else None

    cluster.wait_for(f"/apis/batch/v1/namespaces/{admin.namespace}/jobs", only_dog)


def _owner(actor: Actor, name: str) -> Body:
    """An owner reference to a new ConfigMap."""
    made = json.loads(actor.kubectl("create", "configmap", name, "--output=json"))
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": made["metadata"]["uid"]}
