"""What the platform adds to worker pods, as a real API server takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "worker-job-platform.yaml"
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
def job() -> dict[str, Any]:
    """A worker's Job; its order is of no matter here."""
    read: dict[str, Any] = yaml.safe_load(GOLDEN.read_text())
    container = read["spec"]["template"]["spec"]["containers"][0]
    container["env"][0]["value"] = "bm90aGluZw=="
    return read


def test_the_job_has_no_field_that_there_is_not(bare: Cluster, job: dict[str, Any]) -> None:
    answer = create(bare, job)

    assert "job.batch/ij-1 created" in answer


def test_its_pods_meet_the_restricted_standard(bare: Cluster, job: dict[str, Any]) -> None:
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    bare.kubectl("label", "namespace", "team-a", restricted, "--overwrite")
    bare.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(CLASSES))
    template = job["spec"]["template"]
    meta = {**template["metadata"], "name": "ij-1", "namespace": "team-a"}

    answer = create(bare, {**template, "apiVersion": "v1", "kind": "Pod", "metadata": meta})

    assert "pod/ij-1 created" in answer


def create(cluster: Cluster, body: dict[str, Any]) -> str:
    """As a dry run, which refuses what it doesn't know."""
    arguments = ("create", "--dry-run=server", "--validate=strict", "--filename=-")
    return cluster.kubectl(*arguments, stdin=yaml.safe_dump(body))
