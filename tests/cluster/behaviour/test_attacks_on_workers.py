"""What a tenant tries while workers run: reports of its own, and keys that lead elsewhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from support.api_objects import DIGEST, done, report
from support.raw_requests import attacker
from support.tenant import Body, Tenant, image_job, picture, reason
from support.worker_pods import SLOW, running_pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

CREATED = 201
TELLS = "import os; open(os.environ['TO'], 'w').write(os.environ['WHAT'])"
HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module")
def team(cluster: Client, shared_namespace: str) -> Iterator[Tenant]:
    """A team whose store is the folder `mine` of a bucket, beside another tenant's image."""
    tenant = Tenant(cluster, shared_namespace)
    tenant.put("mine/incoming/cat.jpg", picture(320, 240))
    tenant.put("mine/incoming/big.jpg", picture(6000, 4000))
    tenant.put("secret.jpg", picture(64, 64))
    tenant.apply(tenant.secret(), tenant.store(prefix="mine"))
    with cluster.operator("attacked-operator"):
        yield tenant


def liar(team: Tenant, job: str, uid: str, message: str) -> Body:
    """A pod that reports, and that its labels make a Job's controller adopt."""
    labels = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": job}
    env = {"TO": "/dev/termination-log", "WHAT": message}
    container = {
        "name": "worker",
        "image": team.cluster.worker_image,
        "command": ["python", "-c", TELLS],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "securityContext": HARDENED,
    }
    spec = {"restartPolicy": "Never", "containers": [container]}
    return {"metadata": {"name": f"{job}-liar", "labels": labels}, "spec": spec}


def test_a_pod_that_a_worker_job_adopts_reports_in_vain(cluster: Client, team: Tenant) -> None:
    """The operator doesn't see it, because it can't have the label."""
    alice = attacker(cluster, team.namespace, "edit")
    team.apply(image_job("cat", "incoming/big.jpg", outputs=SLOW))
    labels = running_pod(team, "cat")["metadata"]["labels"]
    job, uid = (labels[f"batch.kubernetes.io/{name}"] for name in ("job-name", "controller-uid"))
    forged = liar(team, job, uid, report(done(len(SLOW))))

    answer = alice.send("POST", "/api/v1/namespaces/HERE/pods", forged)
    status = team.wait_finished("cat")

    assert answer.status == CREATED, answer.text
    assert status["phase"] == "Succeeded"
    for output in status["outputs"]:
        assert output["sha256"] == hashlib.sha256(team.get(f"mine/{output['key']}")).hexdigest()
        assert output["sha256"] != DIGEST.hex()


ELSEWHERE = [
    "%2e%2e/secret.jpg",
    "..%2fsecret.jpg",
    "%2e%2e%2fsecret.jpg",
    "%252e%252e/secret.jpg",
    "..\\secret.jpg",
    "\uff0e\uff0e/secret.jpg",
    "incoming/..;/..;/secret.jpg",
    "secret.jpg?versionId=null",
]


def test_a_key_that_somebody_might_decode_stays_in_the_store(team: Tenant) -> None:
    names = {f"elsewhere-{number}": key for number, key in enumerate(ELSEWHERE)}
    team.apply(*(image_job(name, key) for name, key in names.items()))
    ended = {name: team.wait_finished(name) for name in names}

    assert {reason(status) for status in ended.values()} == {"SourceNotFound"}


def test_a_prefix_that_somebody_might_decode_stays_in_the_store(team: Tenant) -> None:
    before = set(team.keys())
    prefixes = [key.rpartition("/")[0] or key for key in ELSEWHERE]
    for number, prefix in enumerate(prefixes):
        team.apply(image_job(f"out-{number}", "incoming/cat.jpg", destination={"prefix": prefix}))
    ended = [team.wait_finished(f"out-{number}") for number in range(len(prefixes))]

    assert {status["phase"] for status in ended} == {"Succeeded"}
    made = set(team.keys()) - before
    assert made == {f"mine/{prefix}/thumb.jpg" for prefix in prefixes}
