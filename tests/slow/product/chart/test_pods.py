"""The pods of operator, test and workers, as a real API server accepts them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.conditions import until
from support.helm_chart import one
from support.paths import DATA

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster
    from support.helm_chart import Body

GOLDEN = DATA / "golden" / "worker-job-platform.yaml"
CLASSES = [
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "batch-low"},
        "value": -10,
    },
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    },
]


@pytest.fixture
def restricted(bare: Cluster) -> Cluster:
    """A tenant's namespace that accepts only restricted pods."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    bare.kubectl("label", "namespace", "team-a", label, "--overwrite")
    account = "/api/v1/namespaces/team-a/serviceaccounts/default"
    until(lambda: bare.rest.answers(account))
    return bare


@pytest.fixture
def job() -> dict[str, Any]:
    """A worker's Job; its order doesn't matter here."""
    read: dict[str, Any] = yaml.safe_load(GOLDEN.read_text())
    container = read["spec"]["template"]["spec"]["containers"][0]
    container["env"][0]["value"] = "bm90aGluZw=="
    return read


def test_the_job_has_no_field_that_there_is_not(bare: Cluster, job: dict[str, Any]) -> None:
    answer = create(bare, job)

    assert "job.batch/ij-1 created" in answer


def test_its_pods_meet_the_restricted_standard(restricted: Cluster, job: dict[str, Any]) -> None:
    restricted.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(CLASSES))

    assert "pod/some created" in create(restricted, as_pod(job["spec"]["template"]))


def test_the_chart_s_own_pods_meet_the_restricted_standard(
    restricted: Cluster, defaults: list[Body]
) -> None:
    operator = copy.deepcopy(one(defaults, "Deployment")["spec"]["template"])
    operator["spec"].pop("serviceAccountName")  # there is none here, and no pod without

    for template in (operator, one(defaults, "Pod")):
        assert "pod/some created" in create(restricted, as_pod(template))


def as_pod(template: dict[str, Any]) -> dict[str, Any]:
    """A pod as its controller would make it."""
    meta = {**template["metadata"], "name": "some", "namespace": "team-a"}
    return {**template, "apiVersion": "v1", "kind": "Pod", "metadata": meta}


def create(cluster: Cluster, body: dict[str, Any]) -> str:
    """Create as a dry run, which rejects unknown fields."""
    arguments = ("create", "--dry-run=server", "--validate=strict", "--filename=-")
    return cluster.kubectl(*arguments, stdin=yaml.safe_dump(body))
