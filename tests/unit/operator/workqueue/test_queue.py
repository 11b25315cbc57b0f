"""Which actions may start, which wait, and in which order."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest
from imagejob_operator.cache.reconcile_key import MissingLedgersKey, NamespaceKey, QuotaStatusKey
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.concurrency_limiter import LEAST, AdaptiveConcurrencyLimiter
from imagejob_operator.workqueue.priority import Priority
from imagejob_operator.workqueue.queue import (
    BEHIND_AFTER,
    BEHIND_FOR,
    STATUS_PATIENCE,
    STATUS_REST,
    WorkQueue,
)
from support.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    return WorkQueue(AdaptiveConcurrencyLimiter(clock), clock)


def fill(queue: WorkQueue) -> None:
    """Start as many actions as are allowed."""
    for number in range(LEAST):
        queue.begin(f"busy-{number}", Priority.PROGRESS)


def drain(queue: WorkQueue) -> list[object]:
    """All waiting actions, in the order in which they may start."""
    order = []
    while (subject := queue.pop()) is not None:
        order.append(subject)
    return order


def test_no_more_are_under_way_than_the_server_takes(queue: WorkQueue) -> None:
    fill(queue)

    assert not queue.admits(Priority.PROGRESS)


def test_immediate_actions_wait_for_nothing(queue: WorkQueue) -> None:
    fill(queue)

    assert queue.admits(Priority.IMMEDIATE)


def test_who_waits_with_work_is_looked_at_when_there_is_room_and_not_before(
    queue: WorkQueue,
) -> None:
    queue.put_off("work", "team", Priority.PROGRESS)
    queue.put_off("news", "team", Priority.STATUS)
    before = [queue.defers(subject) for subject in ("work", "news", "another")]

    assert before == [True, False, False]
    assert "work" in drain(queue)
    assert not queue.defers("work")


def test_nobody_is_passed_over_by_one_who_comes_later(queue: WorkQueue) -> None:
    fill(queue)
    queue.put_off("a", "team", Priority.PROGRESS)
    queue.end("busy-0")

    assert not queue.admits(Priority.PROGRESS)
    assert queue.pop() == "a"


def test_work_goes_before_status_writes_and_those_before_refreshes(queue: WorkQueue) -> None:
    for priority in (Priority.STATUS, Priority.STATUS_REFRESH):
        queue.begin(f"told-{priority}", priority)
        queue.end(f"told-{priority}")
    for subject, priority in (
        ("c", Priority.STATUS_REFRESH),
        ("b", Priority.STATUS),
        ("a", Priority.PROGRESS),
    ):
        queue.put_off(subject, "team", priority)

    first = queue.pop()

    assert first == "a"
    assert not queue.admits(Priority.STATUS_REFRESH)


def test_namespaces_take_turns(queue: WorkQueue) -> None:
    for number in range(3):
        queue.put_off(f"flood-{number}", "flood", Priority.PROGRESS)
    queue.put_off("one", "team", Priority.PROGRESS)

    assert drain(queue) == ["flood-0", "one", "flood-1", "flood-2"]


def test_a_key_that_becomes_more_urgent_changes_its_priority(queue: WorkQueue) -> None:
    queue.put_off("a", "team", Priority.STATUS)
    queue.put_off("b", "team", Priority.PROGRESS)
    queue.put_off("a", "team", Priority.PROGRESS)

    assert drain(queue) == ["b", "a"]


def test_one_with_nothing_to_do_any_more_waits_no_more(queue: WorkQueue) -> None:
    queue.put_off("a", "team", Priority.PROGRESS)
    queue.drop("a")

    assert drain(queue) == []


def test_it_knows_who_waits_for_room(queue: WorkQueue) -> None:
    queue.put_off("a", "team", Priority.STATUS)
    before = queue.is_waiting("a"), queue.is_waiting("b")
    queue.pop()

    assert before == (True, False)
    assert not queue.is_waiting("a")


def test_a_pause_of_the_server_holds_all_but_immediate_actions(clock: Clock) -> None:
    limiter = AdaptiveConcurrencyLimiter(clock)
    queue = WorkQueue(limiter, clock)
    limiter.refused(2.0)
    queue.put_off("a", "team", Priority.PROGRESS)
    during = (queue.admits(Priority.STATUS), queue.pop(), queue.wait())
    clock.now += 2

    assert during == (False, None, 2.0)
    assert queue.pop() == "a"


def test_it_is_behind_once_work_has_waited_for_a_while(queue: WorkQueue, clock: Clock) -> None:
    queue.put_off("a", "team", Priority.PROGRESS)
    at_first = queue.is_behind
    clock.now += BEHIND_AFTER

    assert (at_first, queue.is_behind) == (False, True)


def test_being_behind_is_remembered_for_a_moment(queue: WorkQueue, clock: Clock) -> None:
    queue.put_off("a", "team", Priority.PROGRESS)
    clock.now += BEHIND_AFTER
    queue.drop("a")
    then = queue.is_behind
    clock.now += BEHIND_FOR

    assert (then, queue.is_behind) == (True, False)


def test_results_that_arrive_together_do_not_mean_being_behind(
    queue: WorkQueue, clock: Clock
) -> None:
    for _ in range(10):
        queue.put_off("a", "team", Priority.PROGRESS)
        clock.now += BEHIND_AFTER / 2
        queue.pop()

    assert not queue.is_behind


def test_waiting_status_writes_do_not_mean_being_behind(queue: WorkQueue) -> None:
    queue.put_off("a", "team", Priority.STATUS)

    assert not queue.is_behind


def test_status_writes_run_one_at_a_time(queue: WorkQueue) -> None:
    queue.begin("a", Priority.STATUS)
    queue.put_off("b", "team", Priority.STATUS)

    assert queue.pop() is None
    assert queue.wait() == math.inf


def test_the_slower_the_server_the_longer_the_pause_between_status_writes(
    queue: WorkQueue, clock: Clock
) -> None:
    waits = []
    for seconds in (0.01, 0.1):
        queue.begin("a", Priority.STATUS)
        clock.now += seconds
        queue.end("a")
        queue.put_off("b", "team", Priority.STATUS)
        waits.append(queue.wait())
        clock.now += waits[-1]

    assert waits == pytest.approx([0.01 * STATUS_REST, 0.1 * STATUS_REST])
    assert queue.pop() == "b"


def test_status_writes_yield_to_work_but_never_stop(queue: WorkQueue, clock: Clock) -> None:
    queue.begin("a", Priority.STATUS)
    clock.now += 0.1
    for number in range(1000):
        queue.begin(f"work-{number}", Priority.IMMEDIATE)
        queue.end(f"work-{number}")
    queue.end("a")
    queue.put_off("b", "team", Priority.STATUS)

    assert queue.wait() == pytest.approx(STATUS_PATIENCE)


def test_neglected_status_writes_go_before_work(queue: WorkQueue, clock: Clock) -> None:
    queue.begin("told", Priority.STATUS)
    queue.end("told")
    queue.put_off("news", "team", Priority.STATUS)
    for number in range(2):
        queue.put_off(f"work-{number}", "team", Priority.PROGRESS)
    before = queue.pop()
    clock.now += STATUS_PATIENCE

    assert before == "work-0"
    assert queue.pop() == "news"


def test_nothing_is_waited_for_when_nobody_waits(queue: WorkQueue) -> None:
    assert queue.wait() == math.inf


def test_while_there_is_no_room_only_an_end_makes_some(queue: WorkQueue) -> None:
    fill(queue)
    queue.put_off("a", "team", Priority.STATUS)

    assert queue.wait() == math.inf


def test_a_key_that_is_added_during_its_action_is_next_after_it(queue: WorkQueue) -> None:
    queue.begin("a", Priority.PROGRESS)
    meanwhile = queue.defers("a"), queue.next()
    queue.end("a")

    assert meanwhile == (True, None)
    assert queue.next() == "a"
    assert not queue.defers("a")


def test_a_key_that_is_not_added_meanwhile_is_not_taken_again(queue: WorkQueue) -> None:
    queue.begin("a", Priority.PROGRESS)
    queue.end("a")

    assert queue.next() is None


def test_what_is_added_twice_is_looked_at_once_in_its_first_place(queue: WorkQueue) -> None:
    for key in ("a", "b", "a"):
        queue.add(key)

    assert [queue.next() for _ in range(3)] == ["a", "b", None]
    assert not queue.has_keys


def test_the_status_of_an_image_quota_is_looked_at_after_all_else(queue: WorkQueue) -> None:
    status = QuotaStatusKey("team-a")
    for key in (status, "a", "b"):
        queue.add(key)

    assert [queue.next(only_awaited=True) for _ in range(3)] == ["a", "b", None]
    assert queue.has_keys
    assert [queue.next() for _ in range(2)] == [status, None]
    assert not queue.has_keys


def test_namespaces_are_looked_at_together_and_not_while_their_ledger_is_written(
    queue: WorkQueue,
) -> None:
    queue.add(NamespaceKey("team-a"))
    queue.add_namespaces(["team-b", "team-a"])
    queue.begin(NamespaceKey("team-b"), Priority.IMMEDIATE)
    before = queue.namespaces()
    queue.take_namespace("team-a")
    queue.end(NamespaceKey("team-b"))

    assert before == ["team-a"]
    assert queue.namespaces() == ["team-b"]
    assert queue.next() is None


def test_missing_ledgers_that_could_not_be_rebuilt_are_retried_after_the_pause_and_not_before(
    queue: WorkQueue,
) -> None:
    key = MissingLedgersKey()

    async def failed() -> None:
        queue.begin(key, Priority.EVENT)
        queue.add(key, after=utc_now() + timedelta(hours=1))
        assert queue.defers(key)  # it was added meanwhile
        queue.end(key)
        queue.add(key)

    asyncio.run(failed())
    found = queue.next()

    assert found == key
    assert queue.defers(found)
    assert queue.next() is None


def test_missing_ledgers_are_rebuilt_once_the_pause_has_passed(clock: Clock) -> None:
    woken = asyncio.Event()
    queue, key = (
        WorkQueue(AdaptiveConcurrencyLimiter(clock), clock, wake=woken.set),
        MissingLedgersKey(),
    )

    async def failed() -> None:
        queue.add(key, after=utc_now() + timedelta(milliseconds=1))
        await asyncio.wait_for(woken.wait(), 10)

    asyncio.run(failed())

    assert queue.next() == key
    assert not queue.defers(key)


def test_what_is_added_for_later_is_looked_at_then_and_wakes_who_waits(clock: Clock) -> None:
    woken = asyncio.Event()
    queue = WorkQueue(AdaptiveConcurrencyLimiter(clock), clock, wake=woken.set)
    soon = timedelta(milliseconds=1)

    async def added() -> None:
        queue.add("a", after=utc_now() + timedelta(hours=1))
        queue.add("a", after=utc_now() + soon)  # replaces the one before
        await asyncio.wait_for(woken.wait(), 10)

    asyncio.run(added())

    assert queue.next() == "a"


def test_a_namespace_whose_time_has_come_is_looked_at_before_the_others(clock: Clock) -> None:
    woken = asyncio.Event()
    queue = WorkQueue(AdaptiveConcurrencyLimiter(clock), clock, wake=woken.set)
    queue.add(NamespaceKey("team-a"))

    async def added() -> None:
        queue.add(NamespaceKey("team-b"), after=utc_now())
        await asyncio.wait_for(woken.wait(), 10)

    asyncio.run(added())

    assert queue.namespaces(only_on_time=True) == ["team-b"]
    assert queue.namespaces() == ["team-a", "team-b"]


def test_it_says_how_long_the_first_has_waited(queue: WorkQueue, clock: Clock) -> None:
    queue.put_off("a", "team", Priority.PROGRESS)
    clock.now += 1
    queue.put_off("b", "other", Priority.PROGRESS)
    queue.put_off("a", "team", Priority.PROGRESS)
    clock.now += 2

    assert queue.longest_waits()[Priority.PROGRESS] == pytest.approx(3)
    assert queue.longest_waits()[Priority.STATUS] == 0


def test_one_that_has_room_waits_no_more_although_it_is_busy(
    queue: WorkQueue, clock: Clock
) -> None:
    queue.begin("a", Priority.PROGRESS)
    queue.put_off("a", "team", Priority.PROGRESS)
    clock.now += 1

    taken = queue.pop()
    is_looked_at_later = queue.defers("a")

    assert (taken, is_looked_at_later) == ("a", True)
    assert queue.longest_waits()[Priority.PROGRESS] == 0
