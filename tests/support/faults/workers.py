"""Workers that the cluster refuses, that never run, or whose node is gone."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from imagejob_dev.ports import LOOPBACK

from support.hostile_store import hostile_store
from support.tenant import image_job, is_finished, reason
from support.worker_pods import running_pod

from .objects import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.alerting import Site

ENOUGH = 6
"""ImageJobs that fail, for an alert that needs five."""

NO_PODS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none"},
    "spec": {"hard": {"pods": "0"}},
}
NEWER = {"spec": {"outputs": [{"name": "thumb", "width": 320, "format": "jxl"}]}}


@contextmanager
def refused(site: Site) -> Iterator[float]:
    """In a namespace that may have no pods."""
    team, began = site.team(), time.time()
    team.apply(NO_PODS, NOWHERE, image_job())
    team.wait("cat", lambda status: reason(status) == "WorkerRefused")
    yield began


@contextmanager
def unschedulable(site: Site) -> Iterator[float]:
    team, began = site.team(), time.time()
    team.apply(NOWHERE, image_job())
    team.wait("cat", lambda status: reason(status) == "WorkerUnschedulable")
    yield began


@contextmanager
def never_run(site: Site) -> Iterator[float]:
    """Their Secret is missing. Ten workers have been in vain before, as an earlier operator wrote:
    to wait for them takes half an hour."""
    team = site.team()
    names = [f"photo-{number}" for number in range(ENOUGH)]
    team.apply(team.store(), *(image_job(name, suspend=True) for name in names))
    for name in names:
        path = f"{team.path('imagejobs')}/{name}/status"
        team.cluster.rest.send("PATCH", path, {"status": {"disruptions": 10}}, "merge").json()
    began = time.time()
    for name in names:
        team.patch(name, suspend=False)
    ended = team.wait_all(is_finished, ENOUGH)
    assert {reason(status) for status in ended.values()} == {"WorkerLost"}
    yield began


@contextmanager
def running_for_too_long(site: Site) -> Iterator[float]:
    """Its node says nothing any more, and the operator can't read it, so that it writes no end."""
    team = site.team()
    with hostile_store(LOOPBACK) as store:
        team.apply(team.secret(), team.store(endpoint=store.endpoint), image_job())
        pod = running_pod(team, "cat")
        team.wait("cat", lambda status: status.get("phase") == "Running")
        began = time.time()
        job = f"{team.path('imagejobs')}/cat"
        team.cluster.rest.send("PATCH", job, NEWER, "merge").json()
        path = f"{team.path('pods')}/{pod['metadata']['name']}/status"
        (status,) = pod["status"]["containerStatuses"]
        silent = {**status, "state": {"running": {"startedAt": _an_hour_ago()}}}
        change = {"status": {"containerStatuses": [silent]}}
        team.cluster.rest.send("PATCH", path, change, "merge").json()
        yield began


def _an_hour_ago() -> str:
    return (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
