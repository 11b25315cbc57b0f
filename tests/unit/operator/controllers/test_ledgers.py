"""Ledgers cost one list, and those that don't exist no requests for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.memory_budget import IMAGE_JOB, MemoryBudget
from imagejob_operator.controllers.ledgers import FEW, Ledgers
from imagejob_operator.kube import records
from imagejob_operator.kube.pager import Page
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_JOBS, LEDGERS, WORKER_JOBS, ConfigMap, Kind
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import Ledger, micros
from support.api_objects import NOW, image_job, shows_admitted, worker_job

FINISHED = {"phase": "Succeeded", **shows_admitted()}


class Api:
    """The API server as ledgers are read from it; `asked` are the reads, in order."""

    metrics = Metrics()

    def __init__(
        self,
        *jobs: ImageJob,
        ledgers: list[ConfigMap] | None = None,
        unreadable: list[Unreadable] | None = None,
    ) -> None:
        self.unreadable = unreadable or []
        self.things: dict[str, list[Any]] = {
            IMAGE_JOBS.plural: list(jobs),
            LEDGERS.plural: ledgers or [],
        }
        self.asked: list[tuple[str, str]] = []

    async def pages(
        self, kind: Kind[Any], namespace: str = "", *, selected: bool = True
    ) -> AsyncIterator[Page[Any]]:
        self.asked.append((f"list {kind.plural}{'' if selected else ' unselected'}", namespace))
        things = [
            each
            for each in self.things.get(kind.plural, [])
            if namespace in ("", each.metadata.namespace)
        ]
        yield Page(9, things, [each for each in self.unreadable if each.resource == kind.plural])

    async def read(self, kind: Kind[Any], _namespace: str, name: str) -> Any:
        self.asked.append((f"get {kind.plural}", name))
        found = (each for each in self.things[kind.plural] if each.metadata.name == name)
        return next(found, None)


def stored(namespace: str, data: dict[str, str]) -> ConfigMap:
    manifest = records.ledger("imagejob-system", namespace, data, "7")
    return msgspec.convert(manifest, ConfigMap)


def of(job: ImageJob, namespace: str) -> ImageJob:
    meta = msgspec.structs.replace(
        job.metadata, namespace=namespace, uid=f"{namespace}-{job.metadata.uid}"
    )
    return msgspec.structs.replace(job, metadata=meta)


def ledgers(api: Api, cache: ClusterCache | None = None) -> Ledgers:
    cluster: Any = api
    lister = Lister(cluster, cache or ClusterCache(), lambda: None)
    return Ledgers(cluster, lister, namespace="imagejob-system", clock=lambda: NOW)


def admissions(ledger: Ledger) -> int:
    return sum(count for _, count in ledger.history.slots)


def test_a_ledger_that_cannot_be_read_is_not_missing() -> None:
    bad = Unreadable("configmaps", "ConfigMap", "imagejob-system", "ledger-team-b", "u", 7, "newer")

    found = asyncio.run(ledgers(Api(unreadable=[bad])).read_all())

    assert found == {"team-b": None}


def test_all_ledgers_are_one_list_and_one_that_cannot_be_decoded_is_told_apart() -> None:
    good = stored("team-a", Ledger(micros(NOW)).encode())
    bad = stored("team-b", {"format": "2"})
    api = Api(ledgers=[good, bad])

    found = asyncio.run(ledgers(api).read_all())

    assert api.asked == [("list configmaps", "imagejob-system")]
    assert found["team-a"]
    assert found["team-a"].version == "7"
    assert found["team-b"] is None


def test_a_ledger_that_is_known_to_be_missing_costs_one_list() -> None:
    api = Api(of(image_job(status=FINISHED), "team-a"), of(image_job(status=FINISHED), "team-b"))

    found = asyncio.run(ledgers(api).read("team-a", is_missing=True))

    assert api.asked == [("list imagejobs unselected", "team-a")]
    assert found.version is None
    assert admissions(found.ledger) == 1


@pytest.mark.parametrize(
    ("count", "lists"), [(FEW, FEW), (FEW + 1, 1), (1000, 1)], ids=["few", "more", "a thousand"]
)
def test_missing_ledgers_of_many_namespaces_are_rebuilt_from_one_list(
    count: int, lists: int
) -> None:
    names = [f"team-{number}" for number in range(count)]
    admitted = [of(image_job(f"photo-{n}", status=FINISHED), names[0]) for n in range(3)]
    waiting, others = of(image_job(), names[1]), of(image_job(status=FINISHED), "other")
    api = Api(*admitted, waiting, others)

    found = asyncio.run(ledgers(api).rebuild(names))

    assert len(api.asked) == lists
    assert list(found) == names
    assert [admissions(found[name].ledger) for name in names] == [3] + [0] * (count - 1)
    assert {each.version for each in found.values()} == {None}


@pytest.mark.parametrize("room", [IMAGE_JOB, 0], ids=["known", "left out"])
def test_a_charge_that_only_its_worker_shows_is_in_a_rebuilt_ledger(room: int) -> None:
    cat = image_job()
    cache = ClusterCache(MemoryBudget(room))
    for thing in (cat, worker_job(cat)):
        cache.upsert(thing)

    found = asyncio.run(ledgers(Api(cat), cache).read("team-a", is_missing=True))

    assert list(found.ledger.charged) == [cat.metadata.uid]
    assert admissions(found.ledger) == 1


def test_a_ledger_that_another_operator_has_made_since_the_list_is_read() -> None:
    """Its charge has the exact time; the worker only a whole second before it."""
    cat, at = image_job(), NOW + timedelta(milliseconds=816)
    charged = Ledger(micros(at)).charge([cat.metadata.uid])
    cache = ClusterCache()
    for thing in (cat, worker_job(cat)):
        cache.upsert(thing)
    api = Api(cat, ledgers=[stored("team-a", charged.encode())])
    api.things[WORKER_JOBS.plural] = [worker_job(cat)]

    found = asyncio.run(ledgers(api, cache).read("team-a", is_missing=True))

    assert found.version == "7"
    assert found.ledger.charged == charged.charged


def test_a_ledger_that_may_have_been_written_is_read_before_the_image_jobs() -> None:
    api = Api(ledgers=[stored("team-a", Ledger(micros(NOW)).encode())])

    found = asyncio.run(ledgers(api).read("team-a"))

    assert api.asked[0] == ("get configmaps", "ledger-team-a")
    assert [what for what, _ in api.asked[1:]] == ["list jobs", "list pods", "list imagejobs"]
    assert found.version == "7"
