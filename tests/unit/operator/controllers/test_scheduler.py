"""How many workers each namespace gets: slots in use, limits, and workers that are starting."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob, Phase, Queue
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey, WatchedObject
from imagejob_operator.config.platform import Caps
from imagejob_operator.controllers.containment import Containment
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.ledgers import StoredLedger
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.scheduler import Action, Scheduler
from imagejob_operator.controllers.wait_estimator import WaitEstimator
from imagejob_operator.imagejob.inputs import JobState
from imagejob_operator.kube.worker import Worker, WorkerJob
from imagejob_operator.observability.metrics import Metrics
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.plan import MANY
from support.api_objects import NOW, PLATFORM, pod, running, store, waiting, worker_job
from support.planning_team import jobs, lost
from support.queues import StillQueue
from support.timings import TIMINGS

POLICY = Policy((parse_rate("1000/1h"),))
JUST_BEFORE = NOW - timedelta(seconds=1)
"""A worker that was created ten and a quarter seconds before NOW still counts as starting."""

CAPS = Caps(default=POLICY, max_workers=64, max_workers_per_namespace=32)


class NewLedgers:
    """Every ledger is empty, and every write succeeds."""

    async def read(self, _namespace: str, **_: bool) -> StoredLedger:
        return StoredLedger(Ledger(0), None)

    async def write(self, _namespace: str, ledger: Ledger, _version: str | None) -> StoredLedger:
        return StoredLedger(ledger, "1")


class Operator:
    """The part of the operator that plans namespaces, and when it wants to plan again."""

    def __init__(self, policy: Policy = POLICY, caps: Caps = CAPS) -> None:
        self.now = NOW
        self.queue = StillQueue()
        self.cache = ClusterCache(enqueue=self.queue.add)
        self.cache.upsert(store())
        caps = msgspec.structs.replace(caps, default=policy)
        self.registry = NamespaceRegistry(self.cache, self.queue, caps, TIMINGS, lambda: self.now)
        self.dispatcher = Scheduler(
            self.cache,
            self.queue,
            self.registry,
            NewLedgers(),  # type: ignore[arg-type]
            WaitEstimator(self.cache, self.queue, self.registry),
            JobHistories(),
            PLATFORM,
            caps,
            Containment(self.cache, self.queue, Metrics(), lambda: self.now),
            lambda: self.now,
        )
        self.tenant = self.registry.of("team-a")
        self.tenant.load(Ledger(0), None)

    def next_actions(self, *, only_charge: bool = False) -> list[tuple[NamespaceKey, Action]]:
        """The actions for all enqueued namespaces."""
        return self.dispatcher.next_actions(self.queue.namespaces(), only_charge=only_charge)

    def upsert(self, *things: WatchedObject) -> Operator:
        for thing in things:
            self.cache.upsert(thing)
        return self

    def begins(self, *waiting: ImageJob, only_charge: bool = False) -> list[int]:
        """The number of ImageJobs in each worker that starts for those that wait."""
        known = set(self.tenant.pending)
        for each in waiting:
            self.cache.upsert(each)
            self.registry.line_up(each, "worker")
        self.registry.enqueue("team-a")
        for _ in range(99):
            actions = [action for _, action in self.next_actions(only_charge=only_charge)]
            if not actions:
                break
            for action in actions:
                asyncio.run(action())
        return [
            len(pending.jobs) for name, pending in self.tenant.pending.items() if name not in known
        ]


def carried(count: int, name: str = "ij-9") -> WatchedObject:
    """A worker with that many, created ten and a quarter seconds before NOW, with no pod yet."""
    return worker_job(*jobs(count, first=50), name=name)


def test_a_burst_costs_few_workers() -> None:
    assert Operator().begins(*jobs(60)) == [MAX_BATCH, MAX_BATCH, 60 - 2 * MAX_BATCH]


def test_those_who_come_one_by_one_go_in_a_worker_each_until_two_are_starting() -> None:
    operator = Operator()

    begun = [operator.begins(*jobs(1, first=number)) for number in range(4)]

    assert begun == [[1], [1], [], []]


def test_where_many_are_starting_in_the_cluster_a_namespace_has_but_one_with_room_left() -> None:
    others = [
        worker_job(*jobs(1, first=50 + number), name=f"ij-{number}", namespace=f"team-{number}")
        for number in range(MANY)
    ]
    operator = Operator().upsert(*others)
    operator.now = JUST_BEFORE

    begun = [operator.begins(*jobs(1, first=number)) for number in range(2)]

    assert begun == [[1], []]


def test_those_who_were_held_back_go_together_when_one_is_at_work() -> None:
    operator = Operator()
    for number in range(5):
        operator.begins(*jobs(1, first=number))
    name = next(iter(operator.tenant.pending))
    worker = worker_job(*jobs(1), name=name)
    operator.upsert(worker, pod(by=worker, state=running()))

    operator.tenant.retire(name)

    assert operator.begins() == [3]


def test_a_worker_that_is_stuck_is_not_starting() -> None:
    operator = Operator().upsert(carried(1), carried(1, "ij-8"))
    operator.now = JUST_BEFORE
    held = operator.begins(*jobs(1))

    operator.now = NOW
    begun = operator.begins()

    assert (held, begun) == ([], [1])


UNPLACED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}


def without_node(name: str) -> list[WatchedObject]:
    """A worker with one, created just now, for which no node has room."""
    worker = carried(1, name)
    return [worker, pod(by=worker, phase="Pending", node=None, conditions=[UNPLACED])]


def with_node(name: str, after: int, state: dict[str, object] | None = None) -> list[WatchedObject]:
    """A worker with one, created just now, which got a node after that many seconds."""
    worker = carried(1, name)
    made = pod(by=worker).metadata.creation_timestamp
    assert made
    placed = (made + timedelta(seconds=after)).isoformat()
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": placed}
    return [worker, pod(by=worker, state=state, conditions=[scheduled])]


ALL = [MAX_BATCH, MAX_BATCH]
FULL_NODES = {
    "nobody knows": ([], ALL),
    "the last was placed at once": ([*with_node("ij-8", 2), *with_node("ij-9", 0)], ALL),
    "the last had to wait": ([*with_node("ij-8", 0), *with_node("ij-9", 1)], [MAX_BATCH]),
    "the last had to wait and is at work": (with_node("ij-9", 1, running()), [MAX_BATCH]),
    "the last had to wait, and the next is on its way": (
        [*with_node("ij-8", 1), carried(1, "ij-9")],
        [],
    ),
    "one waits": (without_node("ij-9"), []),
    "one waits, and one is at work": ([*without_node("ij-9"), *with_node("ij-8", 0)], []),
}


@pytest.mark.parametrize(("workers", "begun"), FULL_NODES.values(), ids=FULL_NODES)
def test_where_nodes_are_full_workers_begin_one_by_one(
    workers: list[WatchedObject], begun: list[int]
) -> None:
    operator = Operator().upsert(*workers)
    operator.now = JUST_BEFORE

    assert operator.begins(*jobs(2 * MAX_BATCH)) == begun


def test_one_that_was_begun_on_a_full_node_holds_back_the_next_before_it_is_created() -> None:
    operator = Operator().upsert(*with_node("ij-9", 1, running()))

    begun = [operator.begins(*jobs(MAX_BATCH, first=first)) for first in (0, 100)]

    assert begun == [[MAX_BATCH], []]


def test_a_worker_that_has_waited_long_for_a_node_holds_nobody_back() -> None:
    operator = Operator().upsert(*without_node("ij-8"), *without_node("ij-9"))
    operator.now = NOW + timedelta(minutes=1)

    assert operator.begins(*jobs(2 * MAX_BATCH)) == [MAX_BATCH]


UNPULLED = waiting("ErrImagePull", "no such image")
SLOTS = {
    "nobody knows": ([], ALL),
    "one can't start": (with_node("ij-9", 0, UNPULLED), []),
    "one can't start, and others run": (
        [*with_node("ij-8", 0, running()), *with_node("ij-9", 0, UNPULLED)],
        [],
    ),
    "one runs": (with_node("ij-9", 0, running()), [MAX_BATCH]),
}


def refused(by: WatchedObject, after: int = 0) -> JobState:
    """The ImageJob's worker has a pod, of so many seconds later than others, that can't run."""
    return _started(by, after, Reason.WORKER_REFUSED, UNPULLED)


def runs(by: WatchedObject, after: int = 0) -> JobState:
    return _started(by, after, Reason.PROCESSING, running())


def _started(by: WatchedObject, after: int, reason: Reason, state: dict[str, object]) -> JobState:
    assert isinstance(by, WorkerJob)
    made = pod(by=by, state=state)
    assert made.metadata.creation_timestamp
    later = (made.metadata.creation_timestamp + timedelta(seconds=after)).isoformat()
    made = pod(by=by, state=state, meta_more={"creationTimestamp": later})
    phase: Phase = "Running" if reason is Reason.PROCESSING else "Queued"
    return JobState(phase, reason, "", worker=Worker(by, made))


@pytest.mark.parametrize(("workers", "begun"), SLOTS.values(), ids=SLOTS)
def test_where_a_pod_could_not_run_workers_begin_one_by_one(
    workers: list[WatchedObject], begun: list[int]
) -> None:
    operator = Operator().upsert(*workers)
    if workers:
        operator.registry.note_start("team-a", refused(carried(1, "ij-7")))
    operator.now = JUST_BEFORE

    assert operator.begins(*jobs(2 * MAX_BATCH)) == begun


def test_a_pod_that_no_node_takes_holds_nobody_back_where_another_could_not_run() -> None:
    operator = Operator().upsert(*without_node("ij-8"))
    operator.registry.note_start("team-a", refused(carried(1, "ij-7")))
    operator.now = NOW + timedelta(minutes=1)

    assert operator.begins(*jobs(2 * MAX_BATCH)) == [MAX_BATCH]


ON_A_NODE: dict[str, tuple[dict[str, object], list[int]]] = {
    "its kubelet has yet to start it": ({}, []),
    "the cluster takes it away, as from a lost node": (
        {"deletionTimestamp": "2026-11-22T10:00:30Z"},
        [MAX_BATCH],
    ),
}


@pytest.mark.parametrize(("meta", "begun"), ON_A_NODE.values(), ids=ON_A_NODE)
def test_a_pod_on_a_node_holds_others_back_where_another_could_not_run_until_it_is_taken_away(
    meta: dict[str, object], begun: list[int]
) -> None:
    worker = worker_job(*jobs(1, first=50), name="ij-9")
    operator = Operator().upsert(worker, pod(by=worker, phase="Pending", meta_more=meta))
    operator.registry.note_start("team-a", refused(carried(1, "ij-7")))
    operator.now = NOW + timedelta(minutes=1)

    assert operator.begins(*jobs(2 * MAX_BATCH)) == begun


STARTS = {
    "a later one runs": ([refused(carried(1)), runs(carried(1), 1)], ALL),
    "an earlier one runs": ([refused(carried(1), 1), runs(carried(1))], [MAX_BATCH]),
    "another can't, too": (
        [refused(carried(1)), runs(carried(1), 1), refused(carried(1), 2)],
        [MAX_BATCH],
    ),
    "by its status, after a restart": (
        [JobState("Queued", Reason.WORKER_REFUSED, "", queue=Queue(eligible_at=NOW))],
        [MAX_BATCH],
    ),
    "the API server takes no worker": ([JobState("Queued", Reason.WORKER_REFUSED, "")], ALL),
}


@pytest.mark.parametrize(("states", "begun"), STARTS.values(), ids=STARTS)
def test_they_begin_together_again_once_a_later_pod_has_run(
    states: list[JobState], begun: list[int]
) -> None:
    operator = Operator()
    for state in states:
        operator.registry.note_start("team-a", state)

    assert operator.begins(*jobs(2 * MAX_BATCH)) == begun


def test_who_is_held_back_is_looked_at_again_although_nothing_happens() -> None:
    operator = Operator().upsert(carried(1), carried(1, "ij-8"))
    operator.now = JUST_BEFORE

    operator.begins(*jobs(1))

    assert [subject for subject, _ in operator.queue.later] == [NamespaceKey("team-a")]


def test_all_in_a_worker_count_as_running() -> None:
    operator = Operator().upsert(carried(5), pod(by=carried(5), state=running()))
    operator.begins(*jobs(3))

    assert operator.registry.running("team-a") == 8


@pytest.mark.parametrize(("most", "begun"), [(40, [24, 11]), (10, [5]), (6, [1]), (5, []), (4, [])])
def test_no_more_image_jobs_run_than_may(most: int, begun: list[int]) -> None:
    policy = msgspec.structs.replace(POLICY, max_running=most)
    operator = Operator(policy).upsert(carried(5), pod(by=carried(5), state=running()))

    assert operator.begins(*jobs(40)) == begun


def test_no_more_workers_are_begun_than_a_namespace_may_have() -> None:
    caps = msgspec.structs.replace(CAPS, max_workers_per_namespace=2)

    assert Operator(caps=caps).begins(*jobs(60)) == [MAX_BATCH, MAX_BATCH]


def test_all_that_must_run_alone_start_immediately() -> None:
    waiting = [lost(each.metadata.name) for each in jobs(20)]

    assert Operator().begins(*waiting) == [1] * 20


def test_no_worker_starts_between_rounds_before_others_were_asked() -> None:
    operator = Operator()

    assert operator.begins(*jobs(3), only_charge=True) == []
    assert operator.begins() == [3]


def test_others_are_in_line_until_they_have_left_it() -> None:
    operator = Operator()
    (waiting,) = jobs(1)
    operator.upsert(waiting).registry.line_up(waiting, "worker")
    before = operator.registry.are_others_in_line(["team-b"])
    own = operator.registry.are_others_in_line(["team-a"])
    operator.registry.line_up(waiting, None)

    assert (before, own) == (True, False)
    assert not operator.registry.are_others_in_line(["team-b"])


def test_a_place_that_has_become_free_is_for_all_in_line() -> None:
    operator = Operator()
    operator.begins(*jobs(1))
    for each in jobs(1, first=9):
        operator.upsert(each).registry.line_up(each, "worker")
    list(operator.dispatcher.next_actions(["team-a"], only_charge=True))
    untouched = operator.queue.namespaces()
    operator.registry.enqueue_all_waiting()

    assert untouched == []
    assert operator.queue.namespaces() == ["team-a"]


def at_work(name: str, *, namespace: str = "team-a") -> list[WatchedObject]:
    """A worker that has been running for long."""
    things = (worker_job(*jobs(1, first=90), name=name), pod(name, state=running()))
    return [moved(thing, namespace) for thing in things]


def moved(thing: Any, namespace: str) -> Any:
    meta = msgspec.structs.replace(thing.metadata, namespace=namespace)
    return msgspec.structs.replace(thing, metadata=meta)


def begun(operator: Operator, *waiting: ImageJob) -> list[str]:
    """The namespaces in which workers start, once for each."""
    for each in waiting:
        namespace = each.metadata.namespace
        if operator.registry.of(namespace).ledger is None:
            operator.registry.of(namespace).load(Ledger(0), None)
            operator.upsert(moved(store(), namespace))
        operator.upsert(each).registry.line_up(each, "worker")
    teams = {name: operator.registry.of(name) for name in ("team-a", "team-b")}
    known = {name: set(team.pending) for name, team in teams.items()}
    for _ in range(9):
        for _, action in list(operator.next_actions()):
            asyncio.run(action())
    return [name for name, team in teams.items() for _ in set(team.pending) - known[name]]


def caps(places: int, part: float = 0.0) -> Caps:
    return msgspec.structs.replace(CAPS, max_workers=places, reserved_share=part)


def test_a_namespace_leaves_what_is_kept() -> None:
    operator = Operator(caps=caps(8, 0.25))
    many = jobs(10 * MAX_BATCH)
    others = [moved(each, "team-b") for each in jobs(10 * MAX_BATCH, first=500)]

    assert begun(operator, *many) == ["team-a"] * 6
    assert begun(operator, *others) == ["team-b"]


def test_holding_many_for_long_costs_more_than_starting_one_after_the_other() -> None:
    """Of four slots team-a holds three; in the last, a worker starts and ends every second."""
    operator = Operator(caps=caps(4))
    operator.now = NOW - timedelta(seconds=100)
    for number in range(3):
        operator.upsert(*at_work(f"ij-{number}"))
    begun(operator, *jobs(10 * MAX_BATCH))
    others = [moved(each, "team-b") for each in jobs(10 * MAX_BATCH, first=900)]
    begun(operator, *others)
    order = []
    for _ in range(10):
        operator.now += timedelta(seconds=1)
        for name in ("team-a", "team-b"):
            team = operator.registry.of(name)
            for each in list(team.pending):
                team.retire(each)
        operator.registry.enqueue_all_waiting()
        order += begun(operator)

    assert order == ["team-b"] * 10


def test_an_ended_worker_counts_for_its_time_although_nothing_waited() -> None:
    """It took ten seconds, an hour ago; another namespace has held one for a minute by now."""
    operator = Operator(caps=caps(2))
    story = (
        (3600, at_work("ij-0"), operator.cache.upsert),
        (3590, at_work("ij-0"), operator.cache.remove),
        (60, at_work("ij-1", namespace="team-b"), operator.cache.upsert),
    )
    for seconds_ago, things, happens in story:
        operator.now = NOW - timedelta(seconds=seconds_ago)
        for thing in things:
            happens(thing)
        operator.registry.enqueue_all_waiting()
        assert list(operator.next_actions()) == []
    operator.now = NOW

    first, second = jobs(2 * MAX_BATCH), jobs(2 * MAX_BATCH, first=500)

    assert begun(operator, *[moved(each, "team-b") for each in second], *first) == ["team-a"]
