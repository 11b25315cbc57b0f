"""A worker Job with its pods."""

from __future__ import annotations

import pytest
from imagejob_operator.kube.worker import Worker
from support.api_objects import image_job, pod, worker_job

CAT = image_job()
JOB = worker_job(CAT)
FIRST, SECOND, THIRD = (pod(by=JOB, suffix=suffix) for suffix in ("1", "2", "3"))

CONDITIONS = {
    "it is complete": ("Complete", "True", True),
    "it has failed": ("Failed", "True", True),
    "it has not failed": ("Failed", "False", False),
    "it is suspended": ("Suspended", "True", False),
}


@pytest.mark.parametrize(("kind", "status", "ends"), CONDITIONS.values(), ids=CONDITIONS)
def test_which_conditions_end_a_job(kind: str, status: str, *, ends: bool) -> None:
    job = worker_job(CAT, status={"conditions": [{"type": kind, "status": status}]})

    assert (job.ended is not None) is ends


def test_of_deleted_pods_the_newest_counts() -> None:
    assert Worker(JOB, past=(FIRST, SECOND, THIRD)).last is THIRD


def test_an_existing_pod_counts_before_deleted_ones() -> None:
    assert Worker(JOB, SECOND, past=(FIRST, THIRD)).last is SECOND
