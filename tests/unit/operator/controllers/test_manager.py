"""The loop as a whole, on an API server in memory: what a start asks for, and whom it holds up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.api.meta import API_VERSION
from imagejob_operator.controllers import containment, job_writer
from imagejob_operator.controllers.known_ledgers import KnownLedgers
from imagejob_operator.controllers.ledger_rebuilder import AT_ONCE
from imagejob_operator.controllers.manager import LAST_LOOKS
from imagejob_operator.controllers.reconciler import Reconciler
from imagejob_operator.kube.backoff import Backoff
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.workqueue.batch_window import BatchWindow
from support.bad_objects import meta
from support.memory_api import SECONDS, MemoryApi
from support.memory_operator import operating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.memory_api import Body

IDLE = [f"idle-{number:03}" for number in range(240)]


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
    put_quotas(api)
    return with_image_job(api)


def put_quotas(api: MemoryApi) -> None:
    for name in IDLE:
        limits = [{"jobs": 50, "per": "1h"}]
        quota = ours("ImageQuota", name, "default", {"limits": limits})
        api.put("imagequotas", name, "default", quota)


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


RECONCILED = (Reconciler, "next_for")


def on_call(
    monkeypatch: pytest.MonkeyPatch, method: tuple[type[Any], str], note: Callable[[], Any]
) -> None:
    """Call `note` before each call of the method."""
    owner, name = method
    original = getattr(owner, name)

    def noted(*args: Any) -> Any:
        note()
        return original(*args)

    monkeypatch.setattr(owner, name, noted)


@pytest.mark.parametrize(
    ("method", "most"),
    [(RECONCILED, 2 * LAST_LOOKS), ((KnownLedgers, "rebuilt"), AT_ONCE)],
    ids=["statuses are looked at", "ledgers are rebuilt"],
)
def test_others_have_their_turn_while_many(
    method: tuple[type[Any], str], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = 0
    calls: Counter[int] = Counter()

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

    on_call(monkeypatch, method, lambda: calls.update([turn]))
    asyncio.run(start())

    assert calls.total() >= len(IDLE)
    assert max(calls.values()) <= most


class Dispatching(MemoryApi):
    """Notes how many statuses of ImageQuotas were written before each worker Job."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []

    async def send(self, method: str, path: str, *args: Any, **options: Any) -> bytes:
        if method == "POST" and path.endswith("/jobs"):
            self.statuses.append(self.writes["imagequotas"])
        return await super().send(method, path, *args, **options)


def test_an_image_job_that_comes_while_many_keys_are_looked_at_waits_for_no_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_begun = asyncio.Event()

    async def start() -> None:
        api = Dispatching()
        put_quotas(api)
        async with operating(api) as operator, asyncio.timeout(SECONDS):
            await has_begun.wait()
            with_image_job(api)
            await api.tell()
            await operator.until(lambda: operator.dispatched("team-a") == {"cat"})

        assert api.statuses == [0]

    on_call(monkeypatch, RECONCILED, has_begun.set)
    asyncio.run(start())


def test_no_status_of_an_idle_namespace_delays_the_plans_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned: list[str] = []
    looked_at = BatchWindow.looked_at

    def noted(self: BatchWindow, namespaces: Iterable[str], began: float) -> None:
        planned.extend(namespaces)
        looked_at(self, namespaces, began)

    async def start() -> None:
        api = with_idle_namespaces()
        async with operating(api) as operator:
            await operator.until(lambda: operator.dispatched("team-a") == {"cat"})
            await operator.until(lambda: shown(api) == len(IDLE))

    monkeypatch.setattr(BatchWindow, "looked_at", noted)
    asyncio.run(start())

    assert set(planned) == {"team-a"}


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
