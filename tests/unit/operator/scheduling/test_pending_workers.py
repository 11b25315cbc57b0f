"""What happens to workers that a ledger promises, also after a restart."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.config.platform import MIB, Platform
from imagejob_operator.contract.order import decode
from imagejob_operator.imagejob.job_builder import worker_name
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.admission_snapshot import take_snapshot
from imagejob_operator.scheduling.namespace_state import NamespaceState
from imagejob_operator.scheduling.plan import Plan, WorkerBudget, plan, settled
from support.api_objects import (
    NOW,
    PLATFORM,
    image_job,
    last_failure,
    shows_admitted,
    store,
    worker_job,
)

POLICY = Policy((parse_rate("50/1h"),))
EMPTY = Ledger(0).at(NOW, POLICY.rates)
CAT, DOG, EMU = THREE = [image_job(name) for name in ("cat", "dog", "emu")]
NAME = worker_name(["uid-cat"], 1)
NAME_OF_THREE = worker_name(["uid-cat", "uid-dog", "uid-emu"], 1)


class Team:
    """A namespace as a new operator finds it: the ledger and the ImageJobs, and no memory."""

    def __init__(self, ledger: Ledger, *jobs: ImageJob) -> None:
        self.cache = ClusterCache()
        for thing in (store(), *jobs):
            self.cache.upsert(thing)
        self.tenant = NamespaceState("team-a")
        self.tenant.load(ledger, "1")

    def plan(self, places: int = 10, platform: Platform = PLATFORM) -> Plan:
        for name in settled(self.tenant, self.cache):
            self.tenant.retire(name)
        snapshot = take_snapshot(self.tenant, POLICY, self.cache, NOW)
        return plan(snapshot, WorkerBudget(places), self.cache, platform, NOW, {})


def first(*jobs: ImageJob) -> Plan:
    """The previous operator's plan: one worker for them all, or for the cat."""
    team = Team(EMPTY, *(jobs or (CAT,)))
    for job in jobs or (CAT,):
        team.tenant.line_up(job, "admission")
    return team.plan()


def another_store() -> ImageStore:
    """A new store of the same name, elsewhere."""
    made = store(s3={"endpoint": "https://s3.new", "bucket": "b", "credentials": {}})
    return msgspec.structs.replace(
        made, metadata=msgspec.structs.replace(made.metadata, uid="uid-2", resource_version="9")
    )


def test_after_a_restart_the_same_worker_is_created_under_the_same_name() -> None:
    before = first()

    after = Team(before.ledger, CAT).plan(places=0)

    assert after.pending == before.pending
    assert [each.name for each in after.pending] == [NAME]
    assert not after.must_write


def test_what_this_process_creates_is_not_composed_again() -> None:
    made = first()
    team = Team(made.ledger, CAT)
    team.tenant.pending[NAME] = made.pending[0]

    assert team.plan().pending == ()


def test_an_order_that_has_changed_since_is_written_down_before_it_is_created() -> None:
    before = first()
    team = Team(before.ledger, CAT)
    team.cache.remove(store())
    team.cache.upsert(another_store())

    after = team.plan()

    (pending,) = after.pending
    assert pending.name == NAME
    assert pending.digest != before.pending[0].digest
    assert after.must_write
    assert after.ledger.dispatches == {NAME: pending.record}


def test_a_worker_of_several_is_created_again_under_its_name() -> None:
    before = first(*THREE)

    after = Team(before.ledger, *reversed(THREE)).plan(places=0)

    assert [len(each.jobs) for each in before.pending] == [3]
    assert after.pending == before.pending
    assert not after.must_write


def never_ran_in(worker: str) -> dict[str, Any]:
    """The status after that worker: it was given up before its pod ran."""
    ready = {"type": "Ready", "status": "False", "reason": "WorkerRefused", "message": "no image"}
    return {
        "phase": "Queued",
        "worker": {"job": worker},
        "disruptions": 1,
        "queue": {"eligibleAt": "2026-11-22T09:59:00Z"},
        "conditions": [{**ready, "lastTransitionTime": "2026-11-22T09:50:00Z"}],
    }


LESS = {
    "one has gone": [CAT, DOG],
    "one was suspended": [CAT, DOG, image_job("emu", suspend=True)],
    "one has lost its store": [
        CAT,
        DOG,
        image_job("emu", source={"storeRef": {"name": "gone"}, "key": "a.jpg"}),
    ],
    "one shows that it failed there": [
        CAT,
        DOG,
        image_job("emu", status=last_failure(1, worker=NAME_OF_THREE)),
    ],
    "one shows that it never ran there": [
        CAT,
        DOG,
        image_job("emu", status=never_ran_in(NAME_OF_THREE)),
    ],
}


@pytest.mark.parametrize("known", LESS.values(), ids=LESS)
def test_a_worker_of_several_is_created_for_those_who_are_left(known: list[ImageJob]) -> None:
    before = first(*THREE)

    after = Team(before.ledger, *known).plan(places=0)

    (pending,) = after.pending
    assert pending.name == NAME_OF_THREE
    assert pending.record.uids == ("uid-cat", "uid-dog")
    assert pending.digest != before.pending[0].digest
    assert after.must_write
    assert after.ledger.dispatches == {NAME_OF_THREE: pending.record}


def test_a_worker_that_is_created_again_has_enough_for_all_by_today_s_settings() -> None:
    modest, hungry = (
        image_job(name, limits={"maxPixels": pixels})
        for name, pixels in (("cat", 2_000_000), ("dog", 7_000_000))
    )
    before = first(modest, hungry)
    less = msgspec.structs.replace(PLATFORM.small_memory, child_bytes=200 * MIB)
    platform = msgspec.structs.replace(PLATFORM, small_memory=less)

    after = Team(before.ledger, modest, hungry).plan(platform=platform)

    orders = [decode(made.pending[0].order) for made in (before, after)]
    expected = [PLATFORM.small_memory.child_bytes, PLATFORM.memory.child_bytes]
    assert [order.child_memory_bytes for order in orders] == expected


def test_who_was_left_out_goes_with_another_worker() -> None:
    asleep = image_job("emu", suspend=True)
    team = Team(first(*THREE).ledger, CAT, DOG, asleep)
    after = team.plan()
    team.tenant.load(after.ledger, "2")
    team.tenant.pending |= {each.name: each for each in after.pending}

    awake = image_job("emu", meta={"resourceVersion": "2"})
    team.cache.upsert(awake)
    team.tenant.line_up(awake, "worker")
    made = team.plan()

    assert [each.record.uids for each in made.pending] == [("uid-emu",)]
    assert set(made.ledger.dispatches) == {NAME_OF_THREE, worker_name(["uid-emu"], 2)}


def test_the_next_worker_has_another_name_than_one_that_is_promised() -> None:
    dog = image_job("dog")
    team = Team(first().ledger, CAT, dog)
    team.tenant.line_up(dog, "worker")

    made = team.plan()

    assert [each.name for each in made.pending] == [NAME, worker_name(["uid-dog"], 2)]
    assert set(made.ledger.dispatches) == {NAME, worker_name(["uid-dog"], 2)}


OVER = {
    "its ImageJob has gone": [],
    "its ImageJob shows that it failed there": [image_job(status=last_failure(1, worker=NAME))],
    "its ImageJob shows that it never ran there": [image_job(status=never_ran_in(NAME))],
    "it is there": [CAT, worker_job(CAT, name=NAME)],
}


@pytest.mark.parametrize("known", OVER.values(), ids=OVER)
def test_a_promise_that_is_over_is_dropped_with_the_next_write(known: list[ImageJob]) -> None:
    dog = image_job("dog")
    team = Team(first().ledger, dog, *known)
    team.tenant.line_up(dog, "worker")

    made = team.plan()

    assert set(made.ledger.dispatches) == {worker_name(["uid-dog"], 2)}
    assert len(made.pending) == 1


def test_a_promise_is_kept_to_one_that_never_ran_in_the_worker_before() -> None:
    cat = image_job(status=never_ran_in("ij-0"))
    team = Team(first().ledger, cat)

    assert [each.name for each in team.plan(places=0).pending] == [NAME]


def test_a_promise_that_led_nowhere_is_dropped_too() -> None:
    team = Team(first().ledger, CAT)
    team.tenant.retire(NAME)
    team.tenant.line_up(CAT, "worker")

    made = team.plan()

    assert [each.name for each in made.pending] == [worker_name(["uid-cat"], 2)]
    assert set(made.ledger.dispatches) == {worker_name(["uid-cat"], 2)}


def test_a_promise_alone_is_not_worth_a_write() -> None:
    assert not Team(first().ledger).plan().must_write


def test_a_charge_is_dropped_once_the_status_shows_it() -> None:
    shown, new = image_job("shown", status=shows_admitted()), image_job("new")
    team = Team(EMPTY.charge(["uid-shown", "uid-gone", "uid-new"]), shown, new)

    charged = team.plan().ledger.charged

    assert list(charged) == ["uid-new"]
