"""Which ImageJobs may not even wait for the quota, and that no others are rejected."""

from __future__ import annotations

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.admission_snapshot import take_snapshot
from imagejob_operator.scheduling.namespace_state import NamespaceState
from support.api_objects import NOW, image_job, store

HOURLY = Policy((parse_rate("2/1h"),))
EMPTY = Ledger(0).at(NOW, HOURLY.rates)
LINE = [image_job(name) for name in ("a", "b", "c", "d")]


def excess(policy: Policy, ledger: Ledger, *jobs: ImageJob) -> dict[str, str]:
    """The rejected ImageJobs of the queue."""
    cache, tenant = ClusterCache(), NamespaceState("team-a")
    for thing in (store(), *jobs):
        cache.upsert(thing)
    tenant.load(ledger, "1")
    for job in jobs:
        tenant.line_up(job, "admission")
    return take_snapshot(tenant, policy, cache, NOW).excess


TURNED_AWAY = {
    "all may wait": (HOURLY, {}),
    "one may wait": (
        msgspec.structs.replace(HOURLY, max_waiting=1),
        {"uid-d": "no more than 1 may wait for the namespace's quota"},
    ),
    "none may wait": (
        msgspec.structs.replace(HOURLY, on_exceeded="Fail"),
        dict.fromkeys(("uid-c", "uid-d"), "the namespace's quota of 2 per 1h is used up"),
    ),
}


@pytest.mark.parametrize("charged", [(), ("uid-a", "uid-b")], ids=["now", "a moment ago"])
@pytest.mark.parametrize(("policy", "expected"), TURNED_AWAY.values(), ids=TURNED_AWAY)
def test_who_is_turned_away_when_two_are_charged(
    policy: Policy, expected: dict[str, str], charged: tuple[str, ...]
) -> None:
    assert excess(policy, EMPTY.charge(charged), *LINE) == expected


def test_who_shows_that_he_waits_is_not_turned_away() -> None:
    waits = image_job("a", status={"phase": "Throttled"})
    policy = msgspec.structs.replace(HOURLY, on_exceeded="Fail")

    found = excess(policy, EMPTY.charge(["uid-x", "uid-y"]), waits, image_job("b"))

    assert list(found) == ["uid-b"]


@pytest.mark.parametrize(
    "policy",
    [
        Policy((parse_rate("1000/1h"),), on_exceeded="Fail"),
        Policy((parse_rate("1000/1h"),), max_waiting=10),
    ],
)
def test_one_beyond_a_single_plan_does_not_wait_for_the_quota(policy: Policy) -> None:
    burst = [image_job(f"photo-{number:03}") for number in range(300)]

    assert excess(policy, EMPTY, *burst) == {}
