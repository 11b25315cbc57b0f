"""Expired ImageJobs are deleted, whatever stands beside them. (An API server in memory.)"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.controllers import ttl
from imagejob_operator.controllers.ttl import Sweeper
from imagejob_operator.kube.client import Cluster
from support.api_objects import NOW
from support.bad_objects import rich_image_job
from support.memory_api import MemoryApi

if TYPE_CHECKING:
    from datetime import datetime

    from imagejob_operator.api.imagejob import ImageJob

TIME = "2026-11-22T09:58:00Z"


def finished(api: MemoryApi, name: str, **status: Any) -> None:
    """An ImageJob that ended two minutes ago, and may stay for one."""
    body = rich_image_job("team-a")
    meta = {**body["metadata"], "name": name, "uid": f"uid-{name}"}
    ended = {"phase": "Succeeded", "completionTime": TIME, **status}
    api.put("imagejobs", "team-a", name, {**body, "metadata": meta, "status": ended})


def sweep(api: MemoryApi) -> int:
    audit: list[bytes] = []
    sweeper = Sweeper(Cluster(api), audit.append, lambda: NOW)  # type: ignore[arg-type]
    return asyncio.run(sweeper.sweep())


def left(api: MemoryApi, *names: str) -> list[str]:
    return [name for name in names if api.get("imagejobs", "team-a", name)]


def test_one_that_cannot_be_read_stays_and_others_go() -> None:
    api = MemoryApi()
    finished(api, "a")
    finished(api, "newer", outputs="many")
    finished(api, "z")

    assert sweep(api) == 2
    assert left(api, "a", "newer", "z") == ["newer"]


def test_one_that_the_operator_fails_on_stays_and_others_go(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    api, honest = MemoryApi(), ttl.has_expired
    for name in ("a", "cursed", "z"):
        finished(api, name)

    def failing(job: ImageJob, now: datetime) -> bool:
        if job.metadata.name == "cursed":
            raise ZeroDivisionError
        return honest(job, now)

    monkeypatch.setattr(ttl, "has_expired", failing)

    assert sweep(api) == 2
    assert left(api, "a", "cursed", "z") == ["cursed"]
    labels = {"controller": "ttl"}
    value = api.metrics.registry.get_sample_value("imagejob_reconcile_errors_total", labels)
    assert value == 1
    assert "unexpected error" in caplog.text
