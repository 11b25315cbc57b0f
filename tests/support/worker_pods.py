"""The pods of an ImageJob's workers: find them, wait for them, kill them as the kernel would."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from support.tenant import Tenant

SECONDS = 90.0  # a retry comes after a backoff

SLOW = [{"name": "large", "width": 3000, "format": "avif"}, {"name": "full", "format": "webp"}]
"""Outputs that take seconds, from an image of 24 megapixels: there is time to interrupt it."""


def running_pod(
    team: Tenant, image_job: str, *, but: Collection[str] = (), seconds: float = SECONDS
) -> dict[str, Any]:
    """The ImageJob's running pod, once there is one; none of the names `but`."""

    def found(pods: list[dict[str, Any]]) -> dict[str, Any] | None:
        known = [pod for pod in pods if pod["metadata"]["name"] not in but and _runs(pod)]
        ours = _worker_names(team, image_job) if known else set()
        return next((pod for pod in known if _job_name(pod) in ours), None)

    return team.cluster.wait_for(team.path("pods"), found, seconds)


def bound(pods: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first that has a node."""
    return next((pod for pod in pods if pod["spec"].get("nodeName")), None)


def process_of(pod: dict[str, Any]) -> int:
    """The worker's process on the process node, from the pod's status."""
    (container,) = pod["status"]["containerStatuses"]
    return int(container["containerID"].removeprefix("process://"))


def kill(pod: dict[str, Any]) -> str:
    """Send SIGKILL to the pod's process, as the kernel does, and return its name."""
    os.kill(process_of(pod), signal.SIGKILL)
    name: str = pod["metadata"]["name"]
    return name


def _worker_names(team: Tenant, image_job: str) -> set[str]:
    jobs = team.cluster.rest.get(team.path("jobs"))["items"]
    return {
        job["metadata"]["name"]
        for job in jobs
        for owner in job["metadata"].get("ownerReferences", [])
        if owner["name"] == image_job
    }


def _runs(pod: dict[str, Any]) -> bool:
    states = [each["state"] for each in pod["status"].get("containerStatuses", [])]
    return any("running" in state for state in states)


def _job_name(pod: dict[str, Any]) -> str:
    name: str = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name", "")
    return name
