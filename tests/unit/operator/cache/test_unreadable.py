"""What an object that can't be read means to others, and what stays of what was known of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.memory_budget import IMAGE_JOB, MemoryBudget
from imagejob_operator.cache.reconcile_key import NamespaceKey
from imagejob_operator.imagejob.gather import gather, is_outdated
from imagejob_operator.kube.client import Change, Cluster
from imagejob_operator.kube.pod import UNSEEN
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_JOBS, IMAGE_QUOTAS, PODS
from imagejob_operator.quota.ledger import MAX_CHARGED, MAX_UNKNOWN, Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.plan import settled
from support.api_objects import (
    EARLIER,
    image_job,
    metadata,
    pod,
    profile,
    running,
    store,
    worker_job,
)
from support.caches import RecordingCache
from support.memory_api import MemoryApi
from support.planning_team import EMPTY, Team, dispatched, job

if TYPE_CHECKING:
    from imagejob_operator.cache.reconcile_key import WatchedObject

PLURALS = {"ImageJob": "imagejobs", "ImageProfile": "imageprofiles", "ImageStore": "imagestores"}
LATER = 50


def unreadable(resource: str, name: str, version: int = LATER, uid: str = "u") -> Unreadable:
    return Unreadable(resource, resource, "team-a", name, uid, version, "it is newer")


def quota() -> ImageQuota:
    spec = {"limits": [{"jobs": 1, "per": "1h"}]}
    return msgspec.convert({"metadata": metadata("default", "uid-quota"), "spec": spec}, ImageQuota)


def known(*things: WatchedObject) -> RecordingCache:
    cache = RecordingCache()
    for thing in things:
        cache.upsert(thing)
    cache.drain()
    return cache


CAT = image_job(profileRef={"name": "web"})


@pytest.mark.parametrize(
    ("resource", "name"), [("imageprofiles", "web"), ("imagestores", "uploads")]
)
def test_what_references_it_learns_that_it_is_neither_missing_nor_as_it_was(
    resource: str, name: str
) -> None:
    cache = known(CAT, store(), profile())

    cache.upsert(unreadable(resource, name))
    inputs = gather(cache, CAT.metadata.uid)

    assert CAT.metadata.uid in cache.drain()
    assert inputs
    assert inputs.unreadable == unreadable(resource, name)
    assert len(cache.profiles) + len(cache.stores) == 1


def test_a_quota_holds_its_namespace_and_none_replaces_it() -> None:
    cache = known(CAT, store(), profile(), quota())

    cache.upsert(unreadable("imagequotas", "default"))

    assert cache.unreadable.holding("team-a") == unreadable("imagequotas", "default")
    assert cache.unreadable.holding("team-b") is None
    assert cache.quotas.get(("team-a", "default")) is None
    assert NamespaceKey("team-a") in cache.drain()


@pytest.mark.parametrize(
    ("resource", "name"),
    [("jobs", "ij-1"), ("pods", "ij-1-x2k9q"), ("jobs", "ij-9"), ("pods", "p")],
)
def test_a_worker_holds_its_namespace_for_nobody_knows_where_it_writes(
    resource: str, name: str
) -> None:
    cache = known(CAT, store(), profile())

    cache.upsert(unreadable(resource, name))

    assert cache.unreadable.holding("team-a") == unreadable(resource, name)


@pytest.mark.parametrize(("resource", "name"), [("jobs", "ij-1"), ("pods", "ij-1-x2k9q")])
def test_nothing_is_decided_on_the_last_state_of_a_worker(resource: str, name: str) -> None:
    worker = worker_job(image_job())
    cache = known(image_job(), store(), worker, pod(by=worker, state=running()))
    assert gather(cache, "uid-cat")

    cache.upsert(unreadable(resource, name))

    assert gather(cache, "uid-cat") is None
    assert cache.worker_index.carriers("uid-cat"), "its claims stay"


def test_an_imagejob_stays_known_and_is_not_acted_on() -> None:
    cache = known(CAT, store(), profile())

    cache.upsert(unreadable("imagejobs", "cat", uid="uid-cat"))

    assert is_outdated(cache, CAT)
    assert cache.jobs.get("uid-cat")
    assert cache.destinations.spots_of(CAT)


@pytest.mark.parametrize(
    ("version", "is_held"), [(1, False), (0, True), (LATER, True)], ids=["late", "unknown", "newer"]
)
def test_a_message_that_is_late_changes_nothing(version: int, is_held: bool) -> None:  # noqa: FBT001
    cache = known(CAT, store(), profile())

    cache.upsert(unreadable("imageprofiles", "web", version, "uid-profile-web"))

    assert bool(cache.unreadable.get("imageprofiles", "team-a", "web")) is is_held


def test_a_readable_version_from_before_does_not_mend_it() -> None:
    cache = known(unreadable("imageprofiles", "web"))  # type: ignore[arg-type]

    cache.upsert(profile())

    assert cache.unreadable.get("imageprofiles", "team-a", "web")


def test_a_later_version_that_can_be_read_releases_all() -> None:
    cache = known(CAT, store(), unreadable("imageprofiles", "web"))  # type: ignore[arg-type]
    mended = profile()
    meta = msgspec.structs.replace(mended.metadata, resource_version=str(LATER + 1))

    cache.upsert(msgspec.structs.replace(mended, metadata=meta))

    assert not cache.unreadable.is_any_in("team-a")
    assert "uid-cat" in cache.drain()


class TestLedger:
    """An ImageJob that can't be read still exists: it keeps its charge and its worker's name."""

    def test_a_charge_stays(self) -> None:
        team = Team(EMPTY.charge(["uid-cat"]))
        team.cache.upsert(unreadable("imagejobs", "cat", uid="uid-cat"))

        assert "uid-cat" in team.plan().ledger.charged

    def test_that_of_a_deleted_one_goes(self) -> None:
        assert "uid-cat" not in Team(EMPTY.charge(["uid-cat"])).plan().ledger.charged

    def test_a_promised_worker_stays_promised(self) -> None:
        team = Team().queued(job("cat"))
        team.carry_out(team.plan())
        team.tenant.pending.clear()
        team.cache.remove(job("cat"))
        assert len(settled(team.tenant, team.cache)) == 1

        team.cache.upsert(unreadable("imagejobs", "cat", uid="uid-cat"))

        assert settled(team.tenant, team.cache) == []

    def test_it_is_neither_charged_nor_dispatched_and_others_are(self) -> None:
        team = Team(Ledger(0)).throttled(job("cat"), job("dog"))
        team.cache.upsert(unreadable("imagejobs", "cat", uid="uid-cat"))

        made = team.plan()

        assert made.admitted == ("uid-dog",)
        assert dispatched(made) == ["dog"]


class TestLeftOut:
    """So does one that exceeds the namespace's memory budget, as after a restart."""

    @staticmethod
    def full(ledger: Ledger, *known: str) -> Team:
        """A namespace with room for one ImageJob, `dog`; `known` have been read before."""
        team = Team(ledger)
        team.cache = RecordingCache(MemoryBudget(IMAGE_JOB))
        for name in known:
            team.cache.upsert(job(name))
            team.cache.remove(job(name))
        for name in ("dog", "cat"):
            team.cache.upsert(job(name))
        return team

    def test_its_charge_stays(self) -> None:
        assert "uid-cat" in self.full(EMPTY.charge(["uid-cat"])).plan().ledger.charged

    def test_its_worker_stays_promised(self) -> None:
        before = Team().queued(job("cat"))
        before.carry_out(before.plan())
        assert before.tenant.ledger

        team = self.full(before.tenant.ledger)

        assert settled(team.tenant, team.cache) == []

    def test_the_charge_of_one_that_has_gone_goes(self) -> None:
        team = self.full(EMPTY.charge(["uid-owl"]), "owl")

        assert "uid-owl" not in team.plan().ledger.charged

    def test_so_does_that_of_one_that_has_gone_long_ago(self) -> None:
        before = Team().queued(job("owl"))
        before.carry_out(before.plan())
        assert before.tenant.ledger
        ledger = before.tenant.ledger.charge(["uid-owl"])
        team = self.full(ledger)
        team.tenant.leave("uid-owl")

        assert "uid-owl" not in team.plan().ledger.charged
        assert settled(team.tenant, team.cache) == list(ledger.dispatches)

    def test_others_are_admitted_however_many_are_charged_and_left_out(self) -> None:
        ledger = EMPTY.charge([f"uid-{number}" for number in range(MAX_CHARGED)])
        team = self.full(ledger).throttled(job("dog"))

        assert team.plan(Policy((parse_rate("1000/1h"),))).admitted == ("uid-dog",)

    def test_the_ledger_has_a_bound_nevertheless(self) -> None:
        ledger = EMPTY.charge([f"uid-{number}" for number in range(MAX_CHARGED + MAX_UNKNOWN)])
        team = self.full(ledger).throttled(job("dog"))

        assert team.plan(Policy((parse_rate("10000/1h"),))).admitted == ()


class TestDeleted:
    """It can't be read as it goes, either."""

    @staticmethod
    def hear(cache: RecordingCache, kind: Any, thing: Unreadable) -> None:
        lister = Lister(Cluster(MemoryApi()), cache, lambda: None)  # type: ignore[arg-type]
        lister.hear(kind, Change("DELETED", str(thing.version), thing))

    def test_it_holds_nothing_any_more(self) -> None:
        gone = unreadable("imagejobs", "cat", uid="uid-cat")
        cache = known(CAT, gone)  # type: ignore[arg-type]

        self.hear(cache, IMAGE_JOBS, gone)

        assert not cache.unreadable.is_any_in("team-a")
        assert "uid-cat" in cache.unverified

    def test_how_a_pod_ended_was_not_seen(self) -> None:
        worker = worker_job(image_job())
        its_pod = pod(by=worker, state=running())
        cache = known(image_job(), worker, its_pod)

        self.hear(cache, PODS, unreadable("pods", its_pod.metadata.name, uid=its_pod.metadata.uid))

        (last,) = cache.worker_index.with_pod(worker).past
        assert last.status.phase == UNSEEN
        assert last.metadata.creation_timestamp == msgspec.convert(
            EARLIER, type(last.metadata.creation_timestamp)
        )


class Faulty(RecordingCache):
    """It stores a quota, and fails then."""

    def _enqueue_quota(self, quota: ImageQuota) -> None:
        if self.quotas.get(("team-a", quota.metadata.name)):
            raise RuntimeError("unexpected")
        super()._enqueue_quota(quota)


class TestRefused:
    """It can be read, and the cache fails on it."""

    @pytest.mark.parametrize("lists", [1, 2])
    def test_the_list_that_has_it_does_not_release_it(
        self, lists: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        api, cache = MemoryApi(), Faulty()
        api.put("imagequotas", "team-a", "default", msgspec.to_builtins(quota()))
        lister = Lister(Cluster(api), cache, lambda: None)  # type: ignore[arg-type]

        for _ in range(lists):
            asyncio.run(lister.take(IMAGE_QUOTAS))

        assert cache.quotas.get(("team-a", "default")) is None
        assert cache.unreadable.holding("team-a")
        warnings = [line for line in caplog.messages if line.startswith("cannot read an object")]
        assert len(warnings) == 1, "each version is logged once"

    def test_nor_does_a_message_about_the_same_version(self) -> None:
        cache = Faulty()
        lister = Lister(Cluster(MemoryApi()), cache, lambda: None)  # type: ignore[arg-type]

        for _ in range(2):
            lister.hear(IMAGE_QUOTAS, Change("ADDED", "1", quota()))

        assert cache.unreadable.holding("team-a")
        lister.hear(IMAGE_QUOTAS, Change("DELETED", "1", quota()))
        assert not cache.unreadable.holding("team-a")
