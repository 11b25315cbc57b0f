"""Who has room, who waits for it, and in which order they get it."""

from __future__ import annotations

import math

import pytest
from imagejob_operator.kube.concurrency_limiter import LEAST, AdaptiveConcurrencyLimiter
from imagejob_operator.workqueue.queue import (
    BEHIND_AFTER,
    BEHIND_FOR,
    STATUS_PATIENCE,
    STATUS_REST,
    Priority,
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
    """As much is under way as may be."""
    for number in range(LEAST):
        queue.begin(f"busy-{number}", Priority.PROGRESS)


def drain(queue: WorkQueue) -> list[object]:
    """All that wait, in the order in which they have room."""
    order = []
    while (subject := queue.pop()) is not None:
        order.append(subject)
    return order


def test_no_more_are_under_way_than_the_server_takes(queue: WorkQueue) -> None:
    fill(queue)

    assert not queue.admits(Priority.PROGRESS)


def test_what_is_at_once_waits_for_nothing(queue: WorkQueue) -> None:
    fill(queue)

    assert queue.admits(Priority.IMMEDIATE)


def test_who_waits_with_work_is_looked_at_when_there_is_room_and_not_before(
    queue: WorkQueue,
) -> None:
    queue.add("work", "team", Priority.PROGRESS)
    queue.add("news", "team", Priority.STATUS)
    before = [queue.defers(subject) for subject in ("work", "news", "another")]

    assert before == [True, False, False]
    assert "work" in drain(queue)
    assert not queue.defers("work")


def test_nobody_is_passed_over_by_one_who_comes_later(queue: WorkQueue) -> None:
    fill(queue)
    queue.add("a", "team", Priority.PROGRESS)
    queue.end("busy-0")

    assert not queue.admits(Priority.PROGRESS)
    assert queue.pop() == "a"


def test_work_goes_before_news_and_news_before_what_is_only_more_exact(queue: WorkQueue) -> None:
    for priority in (Priority.STATUS, Priority.STATUS_REFRESH):
        queue.begin(f"told-{priority}", priority)
        queue.end(f"told-{priority}")
    for subject, priority in (
        ("c", Priority.STATUS_REFRESH),
        ("b", Priority.STATUS),
        ("a", Priority.PROGRESS),
    ):
        queue.add(subject, "team", priority)

    first = queue.pop()

    assert first == "a"
    assert not queue.admits(Priority.STATUS_REFRESH)


def test_namespaces_take_turns(queue: WorkQueue) -> None:
    for number in range(3):
        queue.add(f"flood-{number}", "flood", Priority.PROGRESS)
    queue.add("one", "team", Priority.PROGRESS)

    assert drain(queue) == ["flood-0", "one", "flood-1", "flood-2"]


def test_one_that_comes_to_matter_more_changes_its_lane(queue: WorkQueue) -> None:
    queue.add("a", "team", Priority.STATUS)
    queue.add("b", "team", Priority.PROGRESS)
    queue.add("a", "team", Priority.PROGRESS)

    assert drain(queue) == ["b", "a"]


def test_one_with_nothing_to_do_any_more_waits_no_more(queue: WorkQueue) -> None:
    queue.add("a", "team", Priority.PROGRESS)
    queue.drop("a")

    assert drain(queue) == []


def test_it_knows_who_waits_for_room(queue: WorkQueue) -> None:
    queue.add("a", "team", Priority.STATUS)
    before = queue.is_waiting("a"), queue.is_waiting("b")
    queue.pop()

    assert before == (True, False)
    assert not queue.is_waiting("a")


def test_a_pause_of_the_server_is_for_all_but_what_is_at_once(clock: Clock) -> None:
    limiter = AdaptiveConcurrencyLimiter(clock)
    queue = WorkQueue(limiter, clock)
    limiter.refused(2.0)
    queue.add("a", "team", Priority.PROGRESS)
    during = (queue.admits(Priority.STATUS), queue.pop(), queue.wait())
    clock.now += 2

    assert during == (False, None, 2.0)
    assert queue.pop() == "a"


def test_it_is_behind_once_work_has_had_no_room_for_a_while(queue: WorkQueue, clock: Clock) -> None:
    queue.add("a", "team", Priority.PROGRESS)
    at_first = queue.is_behind
    clock.now += BEHIND_AFTER

    assert (at_first, queue.is_behind) == (False, True)


def test_that_it_was_behind_is_remembered_for_a_moment(queue: WorkQueue, clock: Clock) -> None:
    queue.add("a", "team", Priority.PROGRESS)
    clock.now += BEHIND_AFTER
    queue.drop("a")
    then = queue.is_behind
    clock.now += BEHIND_FOR

    assert (then, queue.is_behind) == (True, False)


def test_results_that_come_all_at_once_are_not_being_behind(queue: WorkQueue, clock: Clock) -> None:
    for _ in range(10):
        queue.add("a", "team", Priority.PROGRESS)
        clock.now += BEHIND_AFTER / 2
        queue.pop()

    assert not queue.is_behind


def test_news_that_has_to_wait_is_not_being_behind(queue: WorkQueue) -> None:
    queue.add("a", "team", Priority.STATUS)

    assert not queue.is_behind


def test_of_news_only_one_is_under_way(queue: WorkQueue) -> None:
    queue.begin("a", Priority.STATUS)
    queue.add("b", "team", Priority.STATUS)

    assert queue.pop() is None
    assert queue.wait() == math.inf


def test_the_slower_the_server_the_longer_it_is_spared_news(queue: WorkQueue, clock: Clock) -> None:
    waits = []
    for seconds in (0.01, 0.1):
        queue.begin("a", Priority.STATUS)
        clock.now += seconds
        queue.end("a")
        queue.add("b", "team", Priority.STATUS)
        waits.append(queue.wait())
        clock.now += waits[-1]

    assert waits == pytest.approx([0.01 * STATUS_REST, 0.1 * STATUS_REST])
    assert queue.pop() == "b"


def test_news_yield_to_work_but_never_end(queue: WorkQueue, clock: Clock) -> None:
    queue.begin("a", Priority.STATUS)
    clock.now += 0.1
    for number in range(1000):
        queue.begin(f"work-{number}", Priority.IMMEDIATE)
        queue.end(f"work-{number}")
    queue.end("a")
    queue.add("b", "team", Priority.STATUS)

    assert queue.wait() == pytest.approx(STATUS_PATIENCE)


def test_news_that_nobody_had_for_long_go_before_work(queue: WorkQueue, clock: Clock) -> None:
    queue.begin("told", Priority.STATUS)
    queue.end("told")
    queue.add("news", "team", Priority.STATUS)
    for number in range(2):
        queue.add(f"work-{number}", "team", Priority.PROGRESS)
    before = queue.pop()
    clock.now += STATUS_PATIENCE

    assert before == "work-0"
    assert queue.pop() == "news"


def test_nothing_is_waited_for_when_nobody_waits(queue: WorkQueue) -> None:
    assert queue.wait() == math.inf


def test_while_there_is_no_room_only_an_end_makes_some(queue: WorkQueue) -> None:
    fill(queue)
    queue.add("a", "team", Priority.STATUS)

    assert queue.wait() == math.inf


def test_one_that_is_touched_while_it_is_under_way_is_looked_at_after(queue: WorkQueue) -> None:
    queue.begin("a", Priority.PROGRESS)
    first = queue.defers("a"), queue.end("a")
    second = queue.defers("a")

    assert first == (True, True)
    assert not second


def test_it_says_how_long_the_first_has_waited(queue: WorkQueue, clock: Clock) -> None:
    queue.add("a", "team", Priority.PROGRESS)
    clock.now += 1
    queue.add("b", "other", Priority.PROGRESS)
    queue.add("a", "team", Priority.PROGRESS)
    clock.now += 2

    assert queue.longest_waits()[Priority.PROGRESS] == pytest.approx(3)
    assert queue.longest_waits()[Priority.STATUS] == 0


def test_one_that_has_room_waits_no_more_although_it_is_busy(
    queue: WorkQueue, clock: Clock
) -> None:
    queue.begin("a", Priority.PROGRESS)
    queue.add("a", "team", Priority.PROGRESS)
    clock.now += 1

    taken = queue.pop()
    is_looked_at_later = queue.defers("a")

    assert (taken, is_looked_at_later) == ("a", True)
    assert queue.longest_waits()[Priority.PROGRESS] == 0
