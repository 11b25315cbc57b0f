"""The simplest kopf operator that does the work: a Job for every ImageJob, as kopf's manual shows.

    python benchmarks/baselines/naive.py

No quota, no retries, no audit, no fairness, no report: a Job is created when an ImageJob is, and
the ImageJob's phase follows the Job's. The official client, in handlers that kopf runs in threads.
"""

from __future__ import annotations

from typing import Any

import kopf
import kubernetes
from kubernetes.client import BatchV1Api, CustomObjectsApi

GROUP, VERSION, PLURAL = "imagejob.dev", "v1alpha1", "imagejobs"
LABEL = "naive/imagejob"


@kopf.on.startup()
def log_in(**_: Any) -> None:  # noqa: ANN401
    """kopf logs in by itself, the client doesn't."""
    kubernetes.config.load_kube_config()  # type: ignore[no-untyped-call]


@kopf.on.create(GROUP, VERSION, PLURAL)  # type: ignore[arg-type]
def create(name: str, namespace: str, spec: Any, **_: Any) -> None:  # noqa: ANN401
    """One Job, owned by the ImageJob."""
    container = {
        "name": "convert",
        "image": "converter",
        "command": ["convert", spec["source"]["key"]],
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {LABEL: name}},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }
    kopf.adopt(job)
    BatchV1Api().create_namespaced_job(namespace, job)  # type: ignore[arg-type]


@kopf.on.event("batch", "v1", "jobs", labels={LABEL: kopf.PRESENT})  # type: ignore[arg-type]
def follow(name: str, namespace: str, status: Any, **_: Any) -> None:  # noqa: ANN401
    """Running, Succeeded or Failed, as the Job is."""
    if status.get("succeeded"):
        phase = "Succeeded"
    elif status.get("failed"):
        phase = "Failed"
    elif status.get("active"):
        phase = "Running"
    else:
        return
    CustomObjectsApi().patch_namespaced_custom_object_status(
        GROUP, VERSION, namespace, PLURAL, name, {"status": {"phase": phase}}
    )


if __name__ == "__main__":
    kopf.run(clusterwide=True, standalone=True)
