"""An unexpected exception stops one key, which is told by name, counted and retried."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import EventsKey, NamespaceKey, PodKey, QuotaStatusKey
from imagejob_operator.controllers.containment import FAULTY, REFUSED, Containment
from imagejob_operator.kube.errors import ApiError, UnreachableError
from imagejob_operator.observability.logging import JsonFormatter
from imagejob_operator.observability.metrics import CONTROLLERS, Metrics
from support.api_objects import NOW, image_job
from support.queues import StillQueue

if TYPE_CHECKING:
    from imagejob_operator.cache.reconcile_key import ReconcileKey

JOB = image_job()
UID = JOB.metadata.uid
KEYS: list[ReconcileKey] = [
    UID,
    ("team-a", "ij-1"),
    PodKey("team-a", "ij-1-x"),
    NamespaceKey("team-a"),
    QuotaStatusKey("team-a"),
    EventsKey("team-a", UID),
]
"""One of each kind, in the order of CONTROLLERS."""


class World:
    def __init__(self) -> None:
        self.now = NOW
        self.queue, self.metrics, cache = StillQueue(), Metrics(), ClusterCache()
        cache.upsert(JOB)
        self.contained = Containment(cache, self.queue, self.metrics, lambda: self.now)

    def fail(self, key: ReconcileKey, error: Exception) -> None:
        def decide() -> str:
            raise error

        assert self.contained.call(key, decide) is None

    def act(self, key: ReconcileKey, error: Exception | None) -> None:
        async def action() -> None:
            if error:
                raise error

        asyncio.run(self.contained.act(key, action))

    def count(self, controller: str) -> float | None:
        labels = {"controller": controller}
        return self.metrics.registry.get_sample_value("imagejob_reconcile_errors_total", labels)


def is_about(pause: timedelta, longest: timedelta) -> bool:
    """Pauses are shortened by up to a quarter, at random."""
    return 0.75 * longest <= pause <= longest


@pytest.mark.parametrize(
    ("key", "controller"),
    list(zip(KEYS, CONTROLLERS, strict=False)),
    ids=str,
)
def test_a_key_of_each_kind_is_told_counted_and_retried(
    key: ReconcileKey, controller: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()

    world.fail(key, ZeroDivisionError("a bug"))

    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert line["namespace"] == "team-a"
    assert "ZeroDivisionError: a bug" in line["error"]
    assert world.count(controller) == 1
    ((retried, due),) = world.queue.later
    assert (retried, is_about(due - NOW, FAULTY.first)) == (key, True)


def test_an_imagejob_is_told_by_name(caplog: pytest.LogCaptureFixture) -> None:
    World().fail(UID, KeyError("x"))

    line = json.loads(JsonFormatter().format(caplog.records[0]))
    assert (line["namespace"], line["name"], line["uid"]) == ("team-a", "cat", UID)


def test_events_within_the_pause_are_counted_and_fill_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()

    for _ in range(100):
        world.fail(UID, KeyError("x"))

    assert len(caplog.records) == 1
    assert world.count("imagejob") == 100
    assert set(world.queue.later) == {world.queue.later[0]}


def test_an_action_that_fails_pauses_longer_each_time_until_one_succeeds() -> None:
    world = World()
    for error in (KeyError("x"), KeyError("x"), None, KeyError("x")):
        world.act(UID, error)
        world.now += 100 * FAULTY.first

    pauses = [
        due - NOW - 100 * FAULTY.first * at
        for (_, due), at in zip(world.queue.later, (0, 1, 3), strict=True)
    ]
    for pause, longest in zip(pauses, (FAULTY.first, 2 * FAULTY.first, FAULTY.first), strict=True):
        assert is_about(pause, longest)


def test_a_decision_that_yields_an_action_is_no_success_yet() -> None:
    world = World()
    world.act(UID, KeyError("x"))
    world.now += FAULTY.first

    assert world.contained.call(UID, lambda: "an action") == "an action"
    world.act(UID, KeyError("x"))

    key, due = world.queue.later[-1]
    assert (key, is_about(due - world.now, 2 * FAULTY.first)) == (UID, True)


@pytest.mark.parametrize(
    ("error", "lines"), [(ApiError(500, "no"), 1), (UnreachableError("cut"), 0)], ids=str
)
def test_what_the_api_server_refuses_is_retried_sooner_and_told_unless_it_is_down(
    error: ApiError, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()

    for _ in range(100):
        world.act(UID, error)

    assert [record.levelname for record in caplog.records] == ["WARNING"] * lines
    assert world.count("imagejob") == 0
    ((retried, due),) = set(world.queue.later)
    assert (retried, is_about(due - NOW, REFUSED.first)) == (UID, True)


def test_what_the_api_server_says_about_when_to_retry_counts() -> None:
    world = World()

    world.act(UID, ApiError(429, "too many", retry_after=timedelta(minutes=1)))

    assert world.queue.later == [(UID, NOW + timedelta(minutes=1))]


def test_the_failures_of_what_was_not_tried_count_on() -> None:
    world = World()
    world.act(UID, ApiError(500, "no"))
    world.now += REFUSED.first

    async def nothing() -> bool:
        return False

    asyncio.run(world.contained.act(UID, nothing))
    world.act(UID, ApiError(500, "no"))

    key, due = world.queue.later[-1]
    assert (key, is_about(due - world.now, 2 * REFUSED.first)) == (UID, True)


@pytest.mark.parametrize("error", [OSError("no space left"), MemoryError()])
def test_what_concerns_everybody_passes(error: Exception) -> None:
    world = World()

    with pytest.raises(type(error)):
        world.act(UID, error)
    assert world.count("imagejob") == 0
