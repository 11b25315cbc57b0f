"""Who is looked at again because of what those who wait are told."""

from __future__ import annotations

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.namespace_state import NamespaceState
from imagejob_operator.scheduling.plan import take_snapshot
from imagejob_operator.scheduling.wait_estimates import WaitEstimates
from support.api_objects import NOW, image_job

POLICY = Policy((parse_rate("1/1h"),))
CAT = image_job()
UID = CAT.metadata.uid


def touched(*add: object) -> list[object]:
    """Of one that waits for the quota and has not been told so, with those waiting for room."""
    cache, tenant = ClusterCache(), NamespaceState("team-a")
    cache.upsert(CAT)
    while cache.next_key() is not None:
        pass
    tenant.load(Ledger(0).at(NOW, POLICY.rates).charge(["uid-other"]), "1")
    tenant.limit = "1 per 1h"
    tenant.line_up(CAT, "admission")
    foresight = WaitEstimates(cache, lambda *_: None, add.__contains__)

    foresight.update(take_snapshot(tenant, POLICY, cache, NOW), NOW)

    found: list[object] = []
    while (subject := cache.next_key()) is not None:
        found.append(subject)
    return found


def test_who_waits_and_has_not_been_told_is_looked_at() -> None:
    assert touched() == [UID]


def test_who_waits_for_room_to_be_told_is_not_looked_at_before() -> None:
    assert touched(UID) == []
