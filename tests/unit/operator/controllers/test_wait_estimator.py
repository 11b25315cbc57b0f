"""Which ImageJobs are enqueued because their waiting times have changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import ObjectKey
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.ledgers import StoredLedger
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.wait_estimator import WaitEstimator
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.admission_snapshot import take_snapshot
from imagejob_operator.scheduling.wait_estimates import estimate
from imagejob_operator.workqueue.priority import Priority
from support.api_objects import NOW, image_job
from support.queues import StillQueue
from support.timings import TIMINGS

POLICY = Policy((parse_rate("1/1h"),))
CAPS = Caps(default=POLICY, max_workers=64, max_workers_per_namespace=32)
CAT = image_job()
UID = CAT.metadata.uid


def touched(*put_off: str, updates: tuple[datetime, ...] = (NOW,)) -> list[ObjectKey]:
    """The keys enqueued by the last of the updates, while the status of one that waits is outdated;
    `put_off` have no room."""
    queue = StillQueue()
    cache = ClusterCache(enqueue=queue.add)
    registry = NamespaceRegistry(cache, queue, CAPS, TIMINGS, lambda: NOW)
    cache.upsert(CAT)
    ledger = Ledger(0).at(NOW, POLICY.rates).charge(["uid-other"])
    registry.ledgers.loaded("team-a", StoredLedger(ledger, "1"))
    snapshot = take_snapshot(registry.of("team-a"), POLICY, cache, NOW)
    registry.foretell("team-a", estimate(snapshot))
    registry.line_up(CAT, "admission")
    queue.drain()
    for key in put_off:
        queue.put_off(key, "team-a", Priority.STATUS)

    estimator, found = WaitEstimator(cache, queue, registry), list[ObjectKey]()
    for now in updates:
        estimator.update(take_snapshot(registry.of("team-a"), POLICY, cache, now), now)
        found = queue.drain()
    return found


def test_a_waiting_imagejob_with_an_outdated_status_is_enqueued() -> None:
    assert touched() == [UID]


def test_a_waiting_imagejob_without_room_is_not_enqueued_yet() -> None:
    assert touched(UID) == []


def test_updates_go_on_at_once_if_the_clock_was_set_back() -> None:
    again, back = NOW + timedelta(milliseconds=1), NOW - timedelta(hours=1)

    assert touched(updates=(NOW, again)) == []
    assert touched(updates=(NOW, back)) == [UID]
