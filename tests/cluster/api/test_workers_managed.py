"""Who manages Jobs, as Kueue does, and what it may change of a worker: when and where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import namespaces
from support.actors import account
from support.conditions import until
from support.raw_requests import FORBIDDEN, Answer, Attacker
from support.tenant import Body, sleeper
from support.worker_policies import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

JOB = "ij-abcdefghijklmnop"
POD = f"{JOB}-x2k9q"
OURS = {
    "imagejob.dev/component": "worker",
    "app.kubernetes.io/name": "imagejob-worker",
    "app.kubernetes.io/managed-by": "imagejob-operator",
}
JOBS, PODS = "/apis/batch/v1/namespaces/HERE/jobs", "/api/v1/namespaces/HERE/pods"
OK = 200
LARGE = 500_000  # an order of the maximum length, because comparing it costs a policy something
TOLERATION = {"key": "kueue.example/spot", "operator": "Exists"}
AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
            ]
        }
    }
}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine", "uid": "mine"}


class Managed:
    """A namespace with a suspended worker Job and a gated pod; two accounts want to manage them.

    `manager` is an account of the platform, `inside` one of this namespace. Both are listed, and
    both may change Jobs and pods everywhere.
    """

    def __init__(self, cluster: Client, namespace: str, manager: str, inside: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.manager = Attacker(cluster, manager, namespace)
        self.inside = Attacker(cluster, inside, namespace)


@pytest.fixture(scope="module")
def managed(cluster: Client) -> Iterator[Managed]:
    with (
        namespaces.fresh(cluster, labels={}) as platform,
        namespaces.fresh(cluster, labels={}) as here,
    ):
        manager, inside = (account(cluster, place, "kueue") for place in (platform, here))
        role = f"{platform}-manager"
        users = [f"--user={each.user}" for each in (manager, inside)]
        verbs = ("--verb=get,patch,update,delete", "--resource=jobs.batch,pods")
        cluster.kubectl("create", "clusterrole", role, *verbs)
        cluster.kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", *users)
        made = Managed(cluster, here, manager.user, inside.user)
        cluster.rest.post(JOBS.replace("HERE", here), job())
        cluster.rest.post(PODS.replace("HERE", here), pod())
        with listed(cluster, managers=[manager.user, inside.user]):
            until(lambda: changed(made.manager, {"spec": {"suspend": False}}).status == OK)
            yield made
        until(lambda: changed(made.manager, {"spec": {"suspend": False}}).status == FORBIDDEN)
        cluster.kubectl("delete", f"clusterrolebinding/{role}", f"clusterrole/{role}")


def job() -> Body:
    body = sleeper(JOB)
    body["metadata"] |= {"labels": OURS, "annotations": {"imagejob.dev/order": "x"}}
    body["spec"] |= {"parallelism": 1, "completions": 1, "backoffLimit": 0}
    body["spec"]["template"]["metadata"] = {"labels": OURS, "annotations": {"imagejob.dev/x": "x"}}
    (container,) = body["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"limits": {"memory": "1Gi"}}
    container["env"] = [{"name": "IMAGEJOB_ORDER", "value": "x" * LARGE}]
    return body


def pod() -> Body:
    spec = {**sleeper(JOB)["spec"]["template"]["spec"], "schedulingGates": [{"name": "kueue"}]}
    return {"metadata": {"name": POD, "labels": OURS}, "spec": spec}


def changed(who: Attacker, change: object, path: str = f"{JOBS}/{JOB}") -> Answer:
    """The object after a dry run of the change."""
    method = "JSON PATCH" if isinstance(change, list) else "PATCH"
    return who.send(method, f"{path}?dryRun=All", change)


def template(**change: Any) -> Body:
    return {"spec": {"template": change}}


MAY: dict[str, Any] = {
    "resume it": {"spec": {"suspend": False}},
    "label it": {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "media"}}},
    "annotate it": {"metadata": {"annotations": {"kueue.x-k8s.io/x": "y"}}},
    "label its pods": template(metadata={"labels": {"kueue.x-k8s.io/podset": "main"}}),
    "annotate its pods": template(metadata={"annotations": {"kueue.x-k8s.io/workload": "w"}}),
    "choose nodes": template(spec={"nodeSelector": {"pool": "spot"}}),
    "tolerate a taint": template(spec={"tolerations": [TOLERATION]}),
    "want a zone": template(spec={"affinity": AFFINITY}),
    "gate its pods": template(spec={"schedulingGates": [{"name": "kueue.x-k8s.io/topology"}]}),
    "all that at once, and resume": {
        "metadata": {"labels": {"kueue.x-k8s.io/queue-name": "media"}},
        "spec": {
            "suspend": False,
            "template": {
                "metadata": {"labels": {"kueue.x-k8s.io/podset": "main"}},
                "spec": {"nodeSelector": {"pool": "spot"}, "tolerations": [TOLERATION]},
            },
        },
    },
}
SMALLER = [
    {
        "op": "replace",
        "path": "/spec/template/spec/containers/0/resources/limits/memory",
        "value": "2Gi",
    }
]
MAY_NOT: dict[str, Any] = {
    "have more pods": {"spec": {"parallelism": 2}},
    "have none": {"spec": {"parallelism": 0}},
    "have it try again": {"spec": {"backoffLimit": 3}},
    "end it early": {"spec": {"activeDeadlineSeconds": 1}},
    "have it deleted": {"spec": {"ttlSecondsAfterFinished": 0}},
    "give its pods more": SMALLER,
    "take it from its owner": {"metadata": {"ownerReferences": [OWNER]}},
    "hold it": {"metadata": {"finalizers": ["kueue.example/held"]}},
    "have it orphan its pods": {"metadata": {"finalizers": ["orphan"]}},
    "make it no worker": {"metadata": {"labels": {"imagejob.dev/component": None}}},
    "give it labels of ours": {"metadata": {"labels": {"imagejob.dev/new": "x"}}},
    "change annotations of ours": {"metadata": {"annotations": {"imagejob.dev/order": "y"}}},
    "say that it is another's": {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}},
    "rename it": {"metadata": {"labels": {"app.kubernetes.io/name": None}}},
    "make its pods no workers": template(metadata={"labels": {"imagejob.dev/component": None}}),
    "change its pods' annotations": template(metadata={"annotations": {"imagejob.dev/x": None}}),
    "hold its pods": template(metadata={"finalizers": ["kueue.example/held"]}),
    "do what it may and what it may not": {"spec": {"suspend": False, "parallelism": 2}},
}


@pytest.mark.parametrize("case", MAY)
def test_a_manager_may(managed: Managed, case: str) -> None:
    answer = changed(managed.manager, MAY[case])

    assert answer.status == OK, answer.text


@pytest.mark.parametrize("case", MAY_NOT)
def test_a_manager_may_not(managed: Managed, case: str) -> None:
    answer = changed(managed.manager, MAY_NOT[case])

    assert answer.status == FORBIDDEN, answer.text
    assert "a manager of worker Jobs may change only suspend" in answer.text


def test_a_manager_changes_a_worker_by_put(managed: Managed) -> None:
    """As a controller does that has its own copy."""
    path = f"{JOBS}/{JOB}"
    body = managed.cluster.rest.get(path.replace("HERE", managed.namespace))
    resumed = {**body, "spec": {**body["spec"], "suspend": False}}
    grown = {**resumed, "spec": {**resumed["spec"], "parallelism": 5}}

    assert managed.manager.send("PUT", f"{path}?dryRun=All", resumed).status == OK
    assert managed.manager.send("PUT", f"{path}?dryRun=All", grown).status == FORBIDDEN


def test_a_manager_makes_no_worker(managed: Managed) -> None:
    body = job()
    body["metadata"]["name"] = "another"

    answer = managed.manager.send("POST", f"{JOBS}?dryRun=All", body)

    assert answer.status == FORBIDDEN


UNGATED = {"spec": {"schedulingGates": None}}
OF_PODS: dict[str, tuple[Any, int]] = {
    "let it go where it is to": ({"spec": {**UNGATED["spec"], "nodeSelector": {"a": "b"}}}, OK),
    "let it go": (UNGATED, OK),
    "label it": ({"metadata": {"labels": {"kueue.x-k8s.io/x": "y"}}}, OK),
    "make it no worker": ({"metadata": {"labels": {"imagejob.dev/component": None}}}, FORBIDDEN),
    "say whose worker it is": (
        {"metadata": {"labels": {"batch.kubernetes.io/job-name": "other"}}},
        FORBIDDEN,
    ),
    "run another image": (
        [{"op": "replace", "path": "/spec/containers/0/image", "value": "evil"}],
        FORBIDDEN,
    ),
    "take it from its owner": ({"metadata": {"ownerReferences": [OWNER]}}, FORBIDDEN),
    "hold it": ({"metadata": {"finalizers": ["kueue.example/held"]}}, FORBIDDEN),
    "end it": ({"spec": {"activeDeadlineSeconds": 1}}, FORBIDDEN),
}


@pytest.mark.parametrize("case", OF_PODS)
def test_of_a_pod_a_manager_changes_where_it_goes(managed: Managed, case: str) -> None:
    """A manager must be able to remove the gate that its change adds to the template's pods."""
    change, expected = OF_PODS[case]

    answer = changed(managed.manager, change, f"{PODS}/{POD}")

    assert answer.status == expected, answer.text


def test_an_account_of_the_namespace_manages_nothing(managed: Managed) -> None:
    """Even if it is listed: the namespace's owner can use its accounts."""
    of_job = changed(managed.inside, MAY["resume it"])
    of_pod = changed(managed.inside, UNGATED, f"{PODS}/{POD}")

    assert [of_job.status, of_pod.status] == [FORBIDDEN, FORBIDDEN]


def test_who_is_not_listed_manages_nothing(managed: Managed, cluster: Client) -> None:
    binding = f"{managed.namespace}-unlisted"
    bound = ("--clusterrole=edit", "--user=unlisted", f"--namespace={managed.namespace}")
    cluster.kubectl("create", "rolebinding", binding, *bound)
    unlisted = Attacker(cluster, "unlisted", managed.namespace)
    until(lambda: unlisted.send("GET", f"{JOBS}/{JOB}").status == OK)

    answer = changed(unlisted, MAY["resume it"])

    assert answer.status == FORBIDDEN
    assert "only the operator may make or change Jobs labelled" in answer.text
