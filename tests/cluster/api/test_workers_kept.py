"""A tenant can't delete, evict or orphan a worker: the next one would be another for one charge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from support.actors import account
from support.conditions import until
from support.raw_requests import EVICTED, EVICTION, FORBIDDEN, WORKER, Answer, Attacker, attacker
from support.tenant import Body, sleeper
from support.worker_policies import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

POD = WORKER
JOB = POD.rpartition("-")[0]
LABELS = {"imagejob.dev/component": "worker"}
JOBS, PODS = "/apis/batch/v1/namespaces/HERE/jobs", "/api/v1/namespaces/HERE/pods"
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine", "uid": "mine"}
FINALIZER = "imagejob-test.example/held"
OK, CREATED = 200, 201

Attempt = tuple[str, str, Any]
ATTEMPTS: dict[str, Attempt] = {
    "delete the Job": ("DELETE", f"{JOBS}/{JOB}?propagationPolicy=Background", None),
    "... with its pods first": ("DELETE", f"{JOBS}/{JOB}", {"propagationPolicy": "Foreground"}),
    "... without its pods": ("DELETE", f"{JOBS}/{JOB}", {"propagationPolicy": "Orphan"}),
    "... without its pods, as of old": ("DELETE", f"{JOBS}/{JOB}", {"orphanDependents": True}),
    "... saying nothing, which orphans": ("DELETE", f"{JOBS}/{JOB}", None),
    "... by force": ("DELETE", f"{JOBS}/{JOB}?gracePeriodSeconds=0", None),
    "delete all Jobs": ("DELETE", f"{JOBS}?propagationPolicy=Background", None),
    "delete all workers' Jobs": ("DELETE", f"{JOBS}?labelSelector=imagejob.dev/component", None),
    "delete the pod": ("DELETE", f"{PODS}/{POD}", None),
    "... by force ": ("DELETE", f"{PODS}/{POD}?gracePeriodSeconds=0", None),
    "... without what depends on it": ("DELETE", f"{PODS}/{POD}", {"propagationPolicy": "Orphan"}),
    "delete all pods": ("DELETE", PODS, None),
    "delete all pods by force": ("DELETE", f"{PODS}?gracePeriodSeconds=0", None),
    "evict the pod": ("POST", EVICTION, EVICTED),
    "evict it by force": (
        "POST", EVICTION, {**EVICTED, "deleteOptions": {"gracePeriodSeconds": 0}},
    ),
    "drop the pod's owner": ("PATCH", f"{PODS}/{POD}", {"metadata": {"ownerReferences": None}}),
    "give the pod another owner": (
        "PATCH", f"{PODS}/{POD}", {"metadata": {"ownerReferences": [OWNER]}},
    ),
    "drop the pod's finalizer": ("PATCH", f"{PODS}/{POD}", {"metadata": {"finalizers": None}}),
    "give the pod a finalizer": (
        "JSON PATCH", f"{PODS}/{POD}",
        [{"op": "add", "path": "/metadata/finalizers/-", "value": "mine.example/x"}],
    ),
    "apply a finalizer to the pod": (
        "APPLY", f"{PODS}/{POD}?fieldManager=mallory",
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": ["mine.example/x"]}},
    ),
    "give the Job another owner": (
        "PATCH", f"{JOBS}/{JOB}", {"metadata": {"ownerReferences": [OWNER]}},
    ),
    "have the Job orphan its pods": (
        "PATCH", f"{JOBS}/{JOB}", {"metadata": {"finalizers": ["orphan"]}},
    ),
}  # fmt: skip


@pytest.fixture
def workers(cluster: Client, lenient_namespace: str) -> Iterator[str]:
    """A namespace with a worker Job and its pod, which never runs."""
    owner = cluster.rest.post(JOBS.replace("HERE", lenient_namespace), job())
    cluster.rest.post(PODS.replace("HERE", lenient_namespace), pod(owner["metadata"]["uid"]))
    yield lenient_namespace
    unheld = ("--type=merge", '--patch={"metadata": {"finalizers": null}}')
    cluster.kubectl("patch", "pod", POD, f"--namespace={lenient_namespace}", *unheld)


@pytest.fixture(params=["edit", "admin"])
def tenant(cluster: Client, workers: str, request: pytest.FixtureRequest) -> Attacker:
    return attacker(cluster, workers, request.param)


def job() -> Body:
    """A Job without pods."""
    body = sleeper(JOB)
    body["metadata"]["labels"] = LABELS
    body["spec"]["template"]["metadata"] = {"labels": LABELS}
    return body


def pod(owner: str) -> Body:
    """A pod as the Job controller makes it, but no node accepts it and no Job counts it, because
    a suspended Job's pods are deleted.
    """
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": JOB, "uid": owner}
    meta = {
        "name": POD,
        "labels": LABELS,
        "finalizers": [FINALIZER],
        "ownerReferences": [reference],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": nowhere()}


def nowhere() -> Body:
    spec: Body = sleeper(JOB)["spec"]["template"]["spec"]
    return {**spec, "nodeSelector": {"imagejob-test": "none"}}


def metadata(cluster: Client, namespace: str) -> list[Body]:
    """The metadata of the Job and of the pod."""
    paths = (f"{JOBS}/{JOB}", f"{PODS}/{POD}")
    found = [cluster.rest.get(path.replace("HERE", namespace))["metadata"] for path in paths]
    names = ("uid", "deletionTimestamp", "labels", "ownerReferences", "finalizers")
    return [{name: meta.get(name) for name in names} for meta in found]


def assert_policy(answer: Answer) -> None:
    assert answer.status == FORBIDDEN, answer.text
    assert "ValidatingAdmissionPolicy 'imagejob-worker-" in answer.text


@pytest.mark.parametrize("case", ATTEMPTS)
def test_a_tenant_does_not(cluster: Client, tenant: Attacker, case: str) -> None:
    before = metadata(cluster, tenant.namespace)

    answer = tenant.send(*ATTEMPTS[case])

    assert_policy(answer)
    assert metadata(cluster, tenant.namespace) == before


def test_what_is_a_tenant_s_own_goes(tenant: Attacker) -> None:
    """The tenant's own Jobs and pods, even beside workers."""
    own = "ij-not-a-worker"
    mine = {"metadata": {"name": own}, "spec": nowhere()}
    eviction = {**EVICTED, "metadata": {"name": own}}

    made = tenant.send("POST", PODS, mine), tenant.send("POST", JOBS, sleeper(own))
    evicted = tenant.send("POST", f"{PODS}/{own}/eviction", eviction)
    deleted = tenant.send("DELETE", f"{JOBS}/{own}")

    assert [each.status for each in (*made, evicted, deleted)] == [CREATED, CREATED, CREATED, OK]


def controller(name: str) -> str:
    return f"system:serviceaccount:kube-system:{name}"


COLLECTOR, NAMESPACES = controller("generic-garbage-collector"), controller("namespace-controller")
OURS = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}"
UNSAID: dict[str, Any] = {
    "nothing": None,
    "orphans": {"propagationPolicy": "Orphan"},
    "orphans, as of old": {"orphanDependents": True},
}


@pytest.mark.parametrize("case", UNSAID)
@pytest.mark.parametrize("user", [OURS, COLLECTOR, NAMESPACES])
def test_nobody_separates_a_job_from_its_pods(
    cluster: Client, workers: str, user: str, case: str
) -> None:
    anybody = Attacker(cluster, user, workers)

    answer = anybody.send("DELETE", f"{JOBS}/{JOB}", UNSAID[case])

    assert answer.status == FORBIDDEN
    assert "set propagationPolicy to Background or Foreground" in answer.text


REMOVERS = {
    "jobs": (OURS, COLLECTOR, NAMESPACES, controller("ttl-after-finished-controller")),
    "pods": (
        *(OURS, COLLECTOR, NAMESPACES, "system:kube-scheduler", controller("job-controller")),
        *(controller("pod-garbage-collector"), controller("node-controller")),
    ),
}


@pytest.mark.parametrize("cascade", ["Background", "Foreground"])
@pytest.mark.parametrize(
    ("plural", "user"), [(plural, user) for plural, users in REMOVERS.items() for user in users]
)
def test_who_has_to_do_with_it_removes_it(
    cluster: Client, workers: str, plural: str, user: str, cascade: str
) -> None:
    """The operator, the cluster's controllers, and its scheduler, which preempts pods."""
    path = {"jobs": f"{JOBS}/{JOB}", "pods": f"{PODS}/{POD}"}[plural]

    answer = Attacker(cluster, user, workers).send(
        "DELETE", f"{path}?dryRun=All&propagationPolicy={cascade}"
    )

    assert answer.status == OK, answer.text


def test_who_is_listed_removes_workers_unless_of_the_namespace_itself(
    cluster: Client, workers: str, namespace: str
) -> None:
    """They have no more rights than a tenant."""
    outside, inside = (account(cluster, place, "remover").user for place in (namespace, workers))
    tenants = [f"--user={user}" for user in (outside, inside)]
    bound = ("removers", "--clusterrole=edit", f"--namespace={workers}")
    cluster.kubectl("create", "rolebinding", *bound, *tenants)
    dry = {**EVICTED, "deleteOptions": {"dryRun": ["All"]}}
    attempts = [
        ("DELETE", f"{JOBS}/{JOB}?dryRun=All&propagationPolicy=Background", None),
        ("DELETE", f"{PODS}/{POD}?dryRun=All", None),
        ("POST", f"{EVICTION}?dryRun=All", dry),
    ]

    def statuses(user: str) -> list[int]:
        return [Attacker(cluster, user, workers).send(*each).status for each in attempts]

    before = statuses(outside)
    with listed(cluster, evictors=[outside, inside]):
        until(lambda: statuses(outside) == [OK, OK, CREATED])
        of_the_namespace = statuses(inside)
    until(lambda: statuses(outside) == [FORBIDDEN] * 3)

    assert before == of_the_namespace == [FORBIDDEN] * 3
