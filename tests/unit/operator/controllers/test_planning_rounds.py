"""When namespaces are planned, and what delays the next plan."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.planning_rounds import PlanningRounds
from imagejob_operator.quota.ledger import Ledger, micros
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.workqueue.batch_window import MOMENT, SHARE
from support.api_objects import NOW, image_job
from support.clocks import Clock
from support.queues import StillQueue
from support.timings import TIMINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_operator.controllers.scheduler import Action

CAPS = Caps(Policy((parse_rate("50/1h"),)), max_workers=64, max_workers_per_namespace=32)
CAT = image_job()
SECONDS = 0.01
"""What it takes to decide about any number of namespaces."""


class Rounds:
    """One round after the other. Those of `team-a` have an ImageJob that waits for a worker."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queue = StillQueue()
        self.registry = NamespaceRegistry(ClusterCache(), self.queue, CAPS, TIMINGS, lambda: NOW)
        self.chosen: list[str] = []
        self.only_charges = False
        self.rounds = PlanningRounds(self.queue, self.registry, self, self.clock)  # type: ignore[arg-type]

    def next_actions(
        self, namespaces: Iterable[str], *, only_charge: bool, **_: bool
    ) -> list[tuple[NamespaceKey, Action]]:
        """In place of the scheduler."""
        self.only_charges = only_charge
        self.chosen = list(namespaces)
        for each in self.chosen:
            self.queue.take_namespace(each)
        self.clock.now += SECONDS
        return []

    def load(self, *namespaces: str, as_of: int = 0) -> Rounds:
        for each in namespaces:
            self.registry.of(each).load(Ledger(as_of), "1")
        return self

    def look(self, *namespaces: str) -> list[str]:
        """The namespaces that are read or planned once these were enqueued."""
        self.queue.add_namespaces(namespaces)
        self.chosen = []
        self.rounds.next_actions()
        return self.chosen


@pytest.fixture
def rounds() -> Rounds:
    found = Rounds()
    found.registry.line_up(CAT, "worker")
    found.queue.take_namespace("team-a")
    return found


def test_a_plan_delays_the_next_one(rounds: Rounds) -> None:
    rounds.load("team-a").look("team-a")
    between = rounds.look("team-a")
    rounds.clock.now += max(MOMENT, SHARE * SECONDS)

    assert between == []
    assert rounds.look() == ["team-a"]


def test_idle_namespaces_delay_no_plan(rounds: Rounds) -> None:
    rounds.load("team-a", "team-b").look("team-b", "team-c")

    assert rounds.rounds.wait == 0
    assert rounds.look("team-a") == ["team-a"]


def test_a_ledger_that_was_read_is_planned_at_once(rounds: Rounds) -> None:
    read = rounds.look("team-a")
    rounds.load("team-a")

    assert read == ["team-a"]
    assert rounds.look("team-a") == ["team-a"]


def test_a_ledger_that_could_not_be_read_is_read_again_after_a_moment(rounds: Rounds) -> None:
    rounds.look("team-a")
    again = rounds.look("team-a")
    wait = rounds.rounds.wait
    rounds.clock.now += wait

    assert again == []
    assert wait > 0
    assert rounds.look() == ["team-a"]


def test_a_read_delays_no_read_of_another_ledger(rounds: Rounds) -> None:
    rounds.look("team-a")
    rounds.registry.ledgers.want("team-b")

    assert rounds.look() == ["team-b"]


def test_an_idle_namespace_whose_ledger_is_ahead_of_the_clock_is_planned(rounds: Rounds) -> None:
    ahead = micros(NOW + timedelta(hours=1))
    rounds.load("team-b", as_of=ahead).look("team-b")

    assert rounds.rounds.wait > 0


def test_an_idle_namespace_whose_ledger_was_requested_is_read(rounds: Rounds) -> None:
    rounds.registry.ledgers.want("team-b")

    assert rounds.look() == ["team-b"]
    assert rounds.rounds.wait > 0


def test_who_is_due_between_two_rounds_has_a_share_of_the_workers_in_the_next(
    rounds: Rounds,
) -> None:
    dog = image_job("dog", meta={"namespace": "team-b"})
    rounds.registry.line_up(dog, "worker")
    rounds.load("team-a", "team-b").look("team-a", "team-b")
    rounds.queue.add_namespaces(["team-a", "team-b"])  # a worker has ended
    rounds.queue._add_on_time(NamespaceKey("team-a"))

    assert rounds.look() == ["team-a"]
    assert rounds.only_charges
    rounds.clock.now += rounds.rounds.wait
    assert set(rounds.look()) == {"team-a", "team-b"}
