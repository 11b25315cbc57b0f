"""While a ledger can't be written, the quota is not used up: nobody is told that it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from imagejob_operator.kube.errors import UnreachableError
from support.bad_objects import meta, pod_of
from support.memory_api import SECONDS, MemoryApi
from support.memory_operator import operating

if TYPE_CHECKING:
    from support.memory_api import Body
    from support.memory_operator import Operator

TEAM = "team-a"
QUOTA = {"limits": [{"jobs": 100, "per": "1h"}], "maxRunning": 1}


class LedgersDown(MemoryApi):
    """While `is_down`, a write of a ledger gets no answer, and fails once `fails` is set."""

    def __init__(self) -> None:
        super().__init__(pod_of)
        self.is_down = False
        self.tried, self.fails = asyncio.Event(), asyncio.Event()

    async def send(self, method: str, path: str, *args: Any, **more: Any) -> bytes:
        if self.is_down and method != "GET" and "configmaps" in path:
            self.tried.set()
            await self.fails.wait()
            raise UnreachableError("cut")
        return await super().send(method, path, *args, **more)


def furnish(api: MemoryApi) -> None:
    store: Body = {"metadata": meta("uploads", TEAM), "spec": {"volume": {"claimName": "c"}}}
    api.put("imagestores", TEAM, "uploads", store)
    api.put("imagequotas", TEAM, "default", {"metadata": meta("default", TEAM), "spec": QUOTA})
    for name in ("cat", "dog"):
        add(api, name)


def add(api: MemoryApi, name: str, **spec: Any) -> None:
    """Create the ImageJob, or change its spec."""
    source = {"storeRef": {"name": "uploads"}, "key": "in/cat.jpg"}
    known = api.get("imagejobs", TEAM, name) or {"metadata": meta(name, TEAM)}
    spec = {"source": source, "outputs": [{"name": "thumb"}], **spec}
    api.put("imagejobs", TEAM, name, {**known, "spec": spec})


async def asked_again(api: MemoryApi, operator: Operator, name: str, priority: int) -> None:
    """Have the operator decide about the ImageJob once more."""
    add(api, name, priority=priority)
    await api.tell()
    uid, manager = api.get("imagejobs", TEAM, name)["metadata"]["uid"], operator.manager

    def is_known() -> bool:
        job = manager._cache.jobs.get(uid)
        return job is not None and job.spec.priority == priority and not manager._queue.has_keys

    await operator.until(is_known)


def said(api: MemoryApi) -> list[str]:
    """The messages of its status."""
    status = api.get("imagejobs", TEAM, "owl")["status"]
    return [each["message"] for each in status["conditions"]]


def test_who_waits_for_the_ledger_is_not_told_that_the_quota_is_used_up() -> None:
    api = LedgersDown()
    furnish(api)

    async def run() -> None:
        async with operating(api) as operator, asyncio.timeout(SECONDS):
            await operator.until(lambda: operator.reason(TEAM, "cat") == "Processing")
            await operator.until(lambda: operator.reason(TEAM, "dog") == "WaitingForWorker")
            api.is_down = True
            add(api, "owl")
            await api.tell()
            await api.tried.wait()
            await asked_again(api, operator, "owl", 1)
            await operator.until(lambda: operator.reason(TEAM, "owl") == "Requested")
            assert "waits for the operator to evaluate the quota" in said(api)

            api.fails.set()
            api.tried.clear()
            await operator.until(lambda: operator.manager._registry.of(TEAM).ledger is None)
            await asked_again(api, operator, "owl", 2)
            await api.tried.wait()  # it has been read again
            await asked_again(api, operator, "owl", 3)
            assert operator.reason(TEAM, "owl") == "Requested"

            api.is_down = False
            await operator.until(lambda: operator.reason(TEAM, "owl") == "WaitingForWorker")
            told = [msgspec.json.decode(line) for line in operator.audit]
            assert "QuotaUsedUp" not in {line["reason"] for line in told}

    asyncio.run(run())
