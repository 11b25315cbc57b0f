"""A write whose answer can't be read has succeeded: it is not repeated, and what exists counts.

So does what has ended by then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.controllers.ledgers import Ledgers
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.errors import UnreachableError
from support.api_objects import NOW
from support.bad_objects import TIME, meta, pod_of, rich_image_job
from support.memory_api import MemoryApi
from support.memory_operator import OWN, operating

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.memory_api import Body
    from support.memory_operator import Operator

TEAM = "team-a"


def newer(
    plural: str, when: Callable[[Body], bool] = lambda _: True
) -> Callable[[str, Body], Body]:
    """Answers about that kind have a field of another shape, as of a newer version."""

    def answer(of: str, body: Body) -> Body:
        return {**body, "spec": "newer"} if of == plural and when(body) else body

    return answer


def furnish(api: MemoryApi, *names: str) -> None:
    store = {"metadata": meta("uploads", TEAM), "spec": {"volume": {"claimName": "c"}}}
    api.put("imagestores", TEAM, "uploads", store)
    for name in names:
        source = {"storeRef": {"name": "uploads"}, "key": "in/cat.jpg"}
        spec = {"source": source, "outputs": [{"name": "thumb"}]}
        api.put("imagejobs", TEAM, name, {"metadata": meta(name, TEAM), "spec": spec})


def test_each_status_is_written_once_and_its_event_is_posted() -> None:
    api = MemoryApi(pod_of, newer("imagejobs"))
    furnish(api, "cat")

    async def run() -> None:
        async with operating(api) as operator:
            await operator.until(lambda: operator.reason(TEAM, "cat") == "Processing")
            await operator.until(lambda: api.writes["events"] == api.writes["imagejobs"])
            told = [msgspec.json.decode(line)["seq"] for line in operator.audit]
            assert told == list(range(1, len(told) + 1))
            assert api.writes["imagejobs"] <= len(told), "each has something new"
            assert not operator.logged(TEAM, "cat", "error")
            # The watch has the object as it is, whichever comes first.
            cache = operator.manager._cache
            await operator.until(lambda: not cache.unreadable.is_any_in(TEAM))

    asyncio.run(run())


def test_a_worker_that_was_created_is_not_created_again() -> None:
    api = MemoryApi(answer=newer("jobs"))
    furnish(api, "cat")

    async def run() -> None:
        async with operating(api) as operator:
            await operator.until(lambda: operator.reason(TEAM, "cat") == "Dispatched")
            assert operator.dispatched(TEAM) == {"cat"}
            assert api.writes["jobs"] == 1

    asyncio.run(run())


def test_a_worker_that_stays_unreadable_lets_no_other_start_in_its_namespace() -> None:
    def spoil(body: Body) -> Body:
        pod = pod_of(body)
        body["spec"] = "newer"  # as it is stored, and in the watch
        return pod

    api = MemoryApi(spoil)
    furnish(api, "cat")

    async def run() -> None:
        async with operating(api) as operator:
            await operator.until(lambda: operator.dispatched(TEAM) == {"cat"})
            furnish(api, "dog")
            await api.tell()
            await operator.until(lambda: operator.reason(TEAM, "dog") == "Unreadable")
            assert operator.dispatched(TEAM) == {"cat"}
            assert api.writes["jobs"] == 1

    asyncio.run(run())


def test_an_imagejob_that_cannot_be_read_counts_when_a_ledger_is_rebuilt() -> None:
    api = MemoryApi()
    good, bad = rich_image_job(TEAM), {**rich_image_job(TEAM), "spec": "newer"}
    bad["metadata"] = {**bad["metadata"], "name": "worse", "uid": "uid-worse"}
    for body in (good, bad):
        api.put("imagejobs", TEAM, body["metadata"]["name"], body)
    cluster = Cluster(api)  # type: ignore[arg-type]
    lister = Lister(cluster, ClusterCache(), lambda: None)
    ledgers = Ledgers(cluster, lister, namespace=OWN, clock=lambda: NOW)

    rebuilt = asyncio.run(ledgers.read(TEAM)).ledger

    assert sum(count for _, count in rebuilt.history.slots) == 2


def test_a_worker_whose_answer_was_lost_and_is_deleted_unread_is_created_again() -> None:
    lost: list[str] = []

    def cut(body: Body) -> Body:
        if lost:
            return pod_of(body)
        lost.append(body["metadata"]["name"])
        body["spec"] = "newer"  # as it is stored, and in the watch
        raise UnreachableError("cut")

    api = MemoryApi(cut)
    furnish(api, "cat")

    async def run() -> None:
        async with operating(api) as operator:
            manager = operator.manager
            await operator.until(lambda: bool(lost))
            await api.tell()
            await operator.until(lambda: manager._cache.unreadable.worker(TEAM, lost[0]))
            await operator.until(lambda: not manager._registry.of(TEAM).pending)
            await api.send("DELETE", f"/apis/batch/v1/namespaces/{TEAM}/jobs/{lost[0]}")
            await operator.until(lambda: operator.reason(TEAM, "cat") == "Processing")
            assert [job["metadata"]["name"] for job in api.created["jobs"]] == [lost[0]] * 2

    asyncio.run(run())


def ended(pod: Body) -> Body:
    """A pod whose worker has left no report, some time ago."""
    state = {"terminated": {"exitCode": 0, "startedAt": TIME, "finishedAt": TIME}}
    containers = [{"name": "worker", "state": state}]
    status = {**pod["status"], "phase": "Succeeded", "containerStatuses": containers}
    return {**pod, "status": status}


async def worker_at_work(operator: Operator, api: MemoryApi) -> str:
    """The name of the only worker, once it has begun."""
    await operator.until(lambda: operator.reason(TEAM, "cat") == "Processing")
    (made,) = api.created["jobs"]
    name: str = made["metadata"]["name"]
    return name


def finish_unread(api: MemoryApi, name: str, worker: str) -> None:
    """Another version of the operator has written how it ended, and its pod has ended."""
    job, pod = api.get("imagejobs", TEAM, name), api.get("pods", TEAM, f"{worker}-x2k9q")
    status = {**job["status"], "phase": "Succeeded"}
    api.put("imagejobs", TEAM, name, {**job, "spec": "newer", "status": status})
    api.put("pods", TEAM, f"{worker}-x2k9q", ended(pod))


def test_the_worker_of_an_imagejob_that_has_finished_unread_is_deleted() -> None:
    api = MemoryApi(pod_of)
    furnish(api, "cat")

    async def run() -> None:
        async with operating(api) as operator:
            worker = await worker_at_work(operator, api)
            finish_unread(api, "cat", worker)
            await api.tell()
            await operator.until(lambda: not api.get("jobs", TEAM, worker))
            assert not operator.manager._cache.jobs
            assert not operator.manager._cache.unreadable.is_any_in(TEAM)

    asyncio.run(run())


def test_so_is_that_of_one_that_had_finished_before_the_operator_started() -> None:
    api = MemoryApi(pod_of)
    furnish(api, "cat")

    async def run() -> None:
        async with operating(api) as before:
            worker = await worker_at_work(before, api)
        finish_unread(api, "cat", worker)
        async with operating(api) as operator:
            await operator.until(lambda: not api.get("jobs", TEAM, worker))

    asyncio.run(run())
