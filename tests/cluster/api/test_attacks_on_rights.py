"""What a namespace's own editor and admin try beyond their rights, and by detours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from imagejob_operator.imagejob.job_builder import worker_name
from support.conditions import until
from support.raw_requests import FORBIDDEN, IMAGING, IN_A_WORKER, Answer, Attacker, attacker
from support.tenant import Body, image_job, ours, sleeper

if TYPE_CHECKING:
    from imagejob_dev.client import Client

CORE, BATCH = "/api/v1/namespaces/HERE", "/apis/batch/v1/namespaces/HERE"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/HERE"
OWN = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/imagejob-operator"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LABEL = {"imagejob.dev/component": "worker"}
OK, CREATED = 200, 201


@pytest.fixture(scope="module", params=["edit", "admin"])
def tenant(cluster: Client, shared_namespace: str, request: pytest.FixtureRequest) -> Attacker:
    return attacker(cluster, shared_namespace, request.param)


SUCCEEDED = {"status": {"phase": "Succeeded"}}
RUNNING = {"status": {"containerStatuses": []}}
QUOTA = ours("ImageQuota", "default", {"limits": [{"jobs": 1_000_000, "per": "1s"}]})
MINE = {"metadata": {"name": "mine"}}
BEYOND: dict[str, tuple[str, str, Any]] = {
    "make a quota": ("POST", f"{IMAGING}/imagequotas", QUOTA),
    "apply a quota": ("APPLY", f"{IMAGING}/imagequotas/default?fieldManager=x", QUOTA),
    "raise a quota": ("PATCH", f"{IMAGING}/imagequotas/default", {"spec": QUOTA["spec"]}),
    "be rid of a quota": ("DELETE", f"{IMAGING}/imagequotas/default", None),
    "be rid of all quotas": ("DELETE", f"{IMAGING}/imagequotas", None),
    "empty a quota's status": ("PATCH", f"{IMAGING}/imagequotas/default/status", {}),
    "succeed": ("PATCH", f"{IMAGING}/imagejobs/cat/status", SUCCEEDED),
    "succeed by PUT": ("PUT", f"{IMAGING}/imagejobs/cat/status", image_job()),
    "succeed by apply": (
        *("APPLY", f"{IMAGING}/imagejobs/cat/status?fieldManager=x&force=true"),
        {**image_job(), **SUCCEEDED},
    ),
    "read the ledger": ("GET", f"{OWN}/configmaps/ledger-HERE", None),
    "empty the ledger": ("PATCH", f"{OWN}/configmaps/ledger-HERE", {"data": None}),
    "replace the ledger": ("PUT", f"{OWN}/configmaps/ledger-HERE", MINE),
    "delete the ledger": ("DELETE", f"{OWN}/configmaps/ledger-HERE", None),
    "make a ledger first": ("POST", f"{OWN}/configmaps", MINE),
    "take the lead": ("PUT", LEASE, MINE),
    "take the lead by a patch": ("PATCH", LEASE, {"spec": {"holderIdentity": "mallory"}}),
    "stop whoever leads": ("DELETE", LEASE, None),
    "allow a store": ("PATCH", f"{OWN}/configmaps/imagejob-stores-allowed", {"data": {}}),
    "unbind a policy": (
        "DELETE", f"{ADMISSION}/validatingadmissionpolicybindings/imagejob-worker-pods", None,
    ),
    "change a policy": (
        "PATCH", f"{ADMISSION}/mutatingadmissionpolicies/imagejob-requester", {"spec": {}},
    ),
    "loosen a CRD": ("PATCH", f"{CRDS}/imagejobs.imagejob.dev", {"spec": {}}),
    "lift pod security": ("PATCH", CORE, {"metadata": {"labels": {}}}),
    "lift the namespace's ResourceQuota": ("DELETE", f"{CORE}/resourcequotas/x", None),
    "report in a pod's status": ("PATCH", f"{CORE}/pods/w/status", RUNNING),
    "report in a Job's status": ("PATCH", f"{BATCH}/jobs/w/status", {"status": {"succeeded": 1}}),
    "bind a pod to a node": ("POST", f"{CORE}/pods/w/binding", {"target": {"name": "mine"}}),
    "add a container to a pod": ("PATCH", f"{CORE}/pods/w/ephemeralcontainers", {"spec": {}}),
    "be the operator, by its token": (
        "POST", f"{OWN}/serviceaccounts/{OPERATOR}/token", {"spec": {}},
    ),
    "run in the operator's namespace": ("POST", f"{OWN}/pods", MINE),
    "tell of it in the operator's namespace": ("POST", f"{OWN}/events", MINE),
}  # fmt: skip


@pytest.mark.parametrize("case", BEYOND)
def test_what_rights_forbid(tenant: Attacker, case: str) -> None:
    method, path, body = BEYOND[case]

    answer = tenant.send(method, path, body)

    assert answer.status == FORBIDDEN, answer.text
    assert f'User \\"{tenant.user}\\" cannot' in answer.text


def role(*rules: tuple[str, list[str], list[str]]) -> Body:
    listed = [{"apiGroups": [group], "resources": what, "verbs": do} for group, what, do in rules]
    return {"metadata": {"name": "mine"}, "rules": listed}


def binding(name: str) -> Body:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": f"mine-{name}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "mallory"}],
    }


OURS = "imagejob.dev"
ESCALATIONS = {
    "a role that writes statuses": role((OURS, ["imagejobs/status"], ["update"])),
    "a role that writes quotas": role((OURS, ["imagequotas"], ["create", "update"])),
    "a role that writes everything of ours": role((OURS, ["*"], ["*"])),
    "a role that adds containers": role(("", ["pods/ephemeralcontainers"], ["patch"])),
    "the operator's role": binding(OPERATOR),
    "the platform's role": binding("imagejob-platform"),
}


@pytest.mark.parametrize("case", ESCALATIONS)
def test_an_admin_gives_nobody_what_admins_lack(cluster: Client, namespace: str, case: str) -> None:
    ada, body = attacker(cluster, namespace, "admin"), ESCALATIONS[case]

    answer = ada.send("POST", f"{RBAC}/{'roles' if 'rules' in body else 'rolebindings'}", body)

    assert answer.status == FORBIDDEN
    assert "attempting to grant RBAC permissions not currently held" in answer.text


def labelled(body: Body, labels: dict[str, str]) -> Body:
    """A suspended Job whose pods have these labels."""
    body["spec"]["template"]["metadata"] = {"labels": labels}
    return body


def test_no_suspended_job_turns_its_pods_into_workers(tenant: Attacker) -> None:
    """Only a suspended Job's template may be changed."""
    name = f"sleeper-{tenant.user.partition('-')[0]}"
    assert tenant.send("POST", f"{BATCH}/jobs", sleeper(name)).status == CREATED
    change = {"spec": {"template": {"metadata": {"labels": LABEL}}}}

    for method in ("PATCH", "APPLY"):
        body = change if method == "PATCH" else labelled(sleeper(name), LABEL)
        query = "?fieldManager=mallory&force=true" if method == "APPLY" else ""
        assert_policy(tenant.send(method, f"{BATCH}/jobs/{name}{query}", body))


def test_no_controller_makes_worker_jobs(cluster: Client, shared_namespace: str) -> None:
    """A CronJob's template may have any labels, but its controller has no right to use them."""
    for controller in ("cronjob-controller", "ttl-controller", "namespace-controller"):
        user = f"system:serviceaccount:kube-system:{controller}"
        made = Attacker(cluster, user, shared_namespace).send(
            "POST", f"{BATCH}/jobs?dryRun=All", labelled(sleeper("cron"), LABEL)
        )
        assert made.status == FORBIDDEN


def assert_policy(answer: Answer) -> None:
    assert answer.status == FORBIDDEN, answer.text
    assert "ValidatingAdmissionPolicy 'imagejob-worker-" in answer.text


SHELLS = {
    "exec": ("POST", IN_A_WORKER),
    "exec by GET": ("GET", IN_A_WORKER),
    "exec with a terminal": ("POST", f"{IN_A_WORKER}&stdin=1&tty=1&stdout=1"),
    "exec in a container of its own": ("POST", f"{IN_A_WORKER}&container=worker"),
}


@pytest.mark.parametrize("case", SHELLS)
def test_nobody_runs_programs_in_a_worker(tenant: Attacker, case: str) -> None:
    assert_policy(tenant.send(*SHELLS[case]))


def test_nobody_adds_a_container_to_a_worker(cluster: Client, lenient_namespace: str) -> None:
    """Not even with a role that allows it, which `edit` and `admin` don't."""
    debugger = attacker(cluster, lenient_namespace, "edit")
    bound = (f"--namespace={lenient_namespace}", "debugger")
    what = ("--verb=patch", "--resource=pods/ephemeralcontainers")
    cluster.kubectl("create", "role", *bound, *what)
    cluster.kubectl("create", "rolebinding", *bound, "--role=debugger", f"--user={debugger.user}")
    pods = {"worker": f"{worker_name(['some-uid'], 1)}-x2k9q", "other": "other"}
    for name in pods.values():
        container = {"name": "worker", "image": "none"}
        spec = {"containers": [container], "nodeSelector": {"imagejob-test": "no-such-node"}}
        cluster.rest.post(
            f"/api/v1/namespaces/{lenient_namespace}/pods",
            {"metadata": {"name": name}, "spec": spec},
        )
    body = {"spec": {"ephemeralContainers": [{"name": "x", "image": "none"}]}}

    def add(pod: str) -> Answer:
        return debugger.send("PATCH", f"{CORE}/pods/{pods[pod]}/ephemeralcontainers", body)

    until(lambda: add("other").status == OK)
    assert_policy(add("worker"))
