"""The loop as a whole, on an API server in memory: what a start asks for, and whom it holds up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from imagejob_operator.api.meta import API_VERSION
from imagejob_operator.controllers import containment, job_writer
from imagejob_operator.controllers.manager import LOOKS
from imagejob_operator.controllers.reconciler import Reconciler
from imagejob_operator.kube.backoff import Backoff
from imagejob_operator.kube.errors import ApiError
from support.bad_objects import meta
from support.memory_api import MemoryApi
from support.memory_operator import operating

if TYPE_CHECKING:
    import pytest
    from imagejob_operator.cache.reconcile_key import ObjectKey
    from imagejob_operator.controllers.reconciler import WorkItem
    from support.memory_api import Body

IDLE = [f"idle-{number:03}" for number in range(200)]


def ours(kind: str, namespace: str, name: str, spec: Body) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": meta(name, namespace),
        "spec": spec,
    }


def with_idle_namespaces() -> MemoryApi:
    """Each has an ImageQuota that no operator has met. One other has an ImageJob."""
    api = MemoryApi()
    for name in IDLE:
        limits = [{"jobs": 50, "per": "1h"}]
        quota = ours("ImageQuota", name, "default", {"limits": limits})
        api.put("imagequotas", name, "default", quota)
    return with_image_job(api)


def with_image_job(api: MemoryApi) -> MemoryApi:
    store = ours("ImageStore", "team-a", "uploads", {"volume": {"claimName": "photos"}})
    api.put("imagestores", "team-a", "uploads", store)
    source = {"storeRef": {"name": "uploads"}, "key": "incoming/cat.jpg"}
    cat = ours("ImageJob", "team-a", "cat", {"source": source, "outputs": [{"name": "thumb"}]})
    api.put("imagejobs", "team-a", "cat", cat)
    return api


def shown(api: MemoryApi) -> int:
    """How many ImageQuotas have a status."""
    return sum("status" in api.get("imagequotas", name, "default") for name in IDLE)


def test_a_start_asks_nothing_for_each_idle_namespace() -> None:
    async def start() -> None:
        api = with_idle_namespaces()
        async with operating(api) as operator:
            await operator.until(lambda: operator.dispatched("team-a") == {"cat"})
            await operator.until(lambda: shown(api) == len(IDLE))
            kinds = ("configmaps", "imagequotas", "jobs", "pods", "imagejobs")
            lists = {kind: operator.count("lists_total", resource=kind) for kind in kinds}

        # The ImageJobs that are watched, those of team-a, and all of them for the idle namespaces.
        once = dict.fromkeys(kinds, 1.0)
        assert lists == once | {"imagejobs": 3.0}

    asyncio.run(start())


def test_others_have_their_turn_while_many_keys_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = 0
    looks: Counter[int] = Counter()
    decide = Reconciler.next_for

    def counted(self: Reconciler, key: ObjectKey) -> WorkItem | None:
        looks[turn] += 1
        return decide(self, key)

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async def start() -> None:
        api = with_idle_namespaces()
        async with operating(api) as operator:
            waiting = asyncio.create_task(others())
            await operator.until(lambda: shown(api) == len(IDLE))
            waiting.cancel()

    monkeypatch.setattr(Reconciler, "next_for", counted)
    asyncio.run(start())

    assert max(looks.values()) <= 2 * LOOKS


class Refusing(MemoryApi):
    """Its webhook lets no worker Job be created."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts: list[float] = []

    async def send(self, method: str, path: str, *args: Any, **options: Any) -> bytes:
        if method == "POST" and path.endswith("/jobs"):
            self.attempts.append(time.monotonic())
            raise ApiError(500, "the webhook fails")
        return await super().send(method, path, *args, **options)


def test_a_worker_that_is_planned_again_keeps_its_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = timedelta(seconds=0.8)
    monkeypatch.setattr(containment, "REFUSED", Backoff(timedelta(seconds=0.1), longest))
    monkeypatch.setattr(job_writer, "STALE", timedelta(seconds=0.25))

    async def start() -> None:
        api = Refusing()
        async with operating(with_image_job(api)) as operator:
            await operator.until(
                lambda: any(
                    later - earlier > 0.7 * longest.total_seconds()
                    for earlier, later in pairwise(api.attempts)
                )
            )

    asyncio.run(start())
