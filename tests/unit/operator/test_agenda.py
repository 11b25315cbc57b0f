"""Who has room, who waits for it, and in which order they get it."""

from __future__ import annotations

import math

import pytest
from clocks import Clock
from imagejob_operator.kube.concurrency_limiter import LEAST, Pace
from imagejob_operator.workqueue.queue import (
    BEHIND_AFTER,
    BEHIND_FOR,
    NEWS_PATIENCE,
    NEWS_REST,
    Agenda,
    Lane,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agenda(clock: Clock) -> Agenda:
    return Agenda(Pace(clock), clock)


def fill(agenda: Agenda) -> None:
    """As much is under way as may be."""
    for number in range(LEAST):
        agenda.begin(f"busy-{number}", Lane.WORK)


def drain(agenda: Agenda) -> list[object]:
    """All that wait, in the order in which they have room."""
    order = []
    while (subject := agenda.next_put_off()) is not None:
        order.append(subject)
    return order


def test_no_more_are_under_way_than_the_server_takes(agenda: Agenda) -> None:
    fill(agenda)

    assert not agenda.admits(Lane.WORK)


def test_what_is_at_once_waits_for_nothing(agenda: Agenda) -> None:
    fill(agenda)

    assert agenda.admits(Lane.AT_ONCE)


def test_who_waits_with_work_is_looked_at_when_there_is_room_and_not_before(agenda: Agenda) -> None:
    agenda.put_off("work", "team", Lane.WORK)
    agenda.put_off("news", "team", Lane.NEWS)
    before = [agenda.defers(subject) for subject in ("work", "news", "another")]

    assert before == [True, False, False]
    assert "work" in drain(agenda)
    assert not agenda.defers("work")


def test_nobody_is_passed_over_by_one_who_comes_later(agenda: Agenda) -> None:
    fill(agenda)
    agenda.put_off("a", "team", Lane.WORK)
    agenda.end("busy-0")

    assert not agenda.admits(Lane.WORK)
    assert agenda.next_put_off() == "a"


def test_work_goes_before_news_and_news_before_what_is_only_more_exact(agenda: Agenda) -> None:
    for lane in (Lane.NEWS, Lane.REFRESH):
        agenda.begin(f"told-{lane}", lane)
        agenda.end(f"told-{lane}")
    for subject, lane in (("c", Lane.REFRESH), ("b", Lane.NEWS), ("a", Lane.WORK)):
        agenda.put_off(subject, "team", lane)

    first = agenda.next_put_off()

    assert first == "a"
    assert not agenda.admits(Lane.REFRESH)


def test_namespaces_take_turns(agenda: Agenda) -> None:
    for number in range(3):
        agenda.put_off(f"flood-{number}", "flood", Lane.WORK)
    agenda.put_off("one", "team", Lane.WORK)

    assert drain(agenda) == ["flood-0", "one", "flood-1", "flood-2"]


def test_one_that_comes_to_matter_more_changes_its_lane(agenda: Agenda) -> None:
    agenda.put_off("a", "team", Lane.NEWS)
    agenda.put_off("b", "team", Lane.WORK)
    agenda.put_off("a", "team", Lane.WORK)

    assert drain(agenda) == ["b", "a"]


def test_one_with_nothing_to_do_any_more_waits_no_more(agenda: Agenda) -> None:
    agenda.put_off("a", "team", Lane.WORK)
    agenda.drop("a")

    assert drain(agenda) == []


def test_it_knows_who_waits_for_room(agenda: Agenda) -> None:
    agenda.put_off("a", "team", Lane.NEWS)
    before = agenda.has_put_off("a"), agenda.has_put_off("b")
    agenda.next_put_off()

    assert before == (True, False)
    assert not agenda.has_put_off("a")


def test_a_pause_of_the_server_is_for_all_but_what_is_at_once(clock: Clock) -> None:
    pace = Pace(clock)
    agenda = Agenda(pace, clock)
    pace.refused(2.0)
    agenda.put_off("a", "team", Lane.WORK)
    during = (agenda.admits(Lane.NEWS), agenda.next_put_off(), agenda.wait())
    clock.now += 2

    assert during == (False, None, 2.0)
    assert agenda.next_put_off() == "a"


def test_it_is_behind_once_work_has_had_no_room_for_a_while(agenda: Agenda, clock: Clock) -> None:
    agenda.put_off("a", "team", Lane.WORK)
    at_first = agenda.is_behind
    clock.now += BEHIND_AFTER

    assert (at_first, agenda.is_behind) == (False, True)


def test_that_it_was_behind_is_remembered_for_a_moment(agenda: Agenda, clock: Clock) -> None:
    agenda.put_off("a", "team", Lane.WORK)
    clock.now += BEHIND_AFTER
    agenda.drop("a")
    then = agenda.is_behind
    clock.now += BEHIND_FOR

    assert (then, agenda.is_behind) == (True, False)


def test_results_that_come_all_at_once_are_not_being_behind(agenda: Agenda, clock: Clock) -> None:
    for _ in range(10):
        agenda.put_off("a", "team", Lane.WORK)
        clock.now += BEHIND_AFTER / 2
        agenda.next_put_off()

    assert not agenda.is_behind


def test_news_that_has_to_wait_is_not_being_behind(agenda: Agenda) -> None:
    agenda.put_off("a", "team", Lane.NEWS)

    assert not agenda.is_behind


def test_of_news_only_one_is_under_way(agenda: Agenda) -> None:
    agenda.begin("a", Lane.NEWS)
    agenda.put_off("b", "team", Lane.NEWS)

    assert agenda.next_put_off() is None
    assert agenda.wait() == math.inf


def test_the_slower_the_server_the_longer_it_is_spared_news(agenda: Agenda, clock: Clock) -> None:
    waits = []
    for seconds in (0.01, 0.1):
        agenda.begin("a", Lane.NEWS)
        clock.now += seconds
        agenda.end("a")
        agenda.put_off("b", "team", Lane.NEWS)
        waits.append(agenda.wait())
        clock.now += waits[-1]

    assert waits == pytest.approx([0.01 * NEWS_REST, 0.1 * NEWS_REST])
    assert agenda.next_put_off() == "b"


def test_news_yield_to_work_but_never_end(agenda: Agenda, clock: Clock) -> None:
    agenda.begin("a", Lane.NEWS)
    clock.now += 0.1
    for number in range(1000):
        agenda.begin(f"work-{number}", Lane.AT_ONCE)
        agenda.end(f"work-{number}")
    agenda.end("a")
    agenda.put_off("b", "team", Lane.NEWS)

    assert agenda.wait() == pytest.approx(NEWS_PATIENCE)


def test_news_that_nobody_had_for_long_go_before_work(agenda: Agenda, clock: Clock) -> None:
    agenda.begin("told", Lane.NEWS)
    agenda.end("told")
    agenda.put_off("news", "team", Lane.NEWS)
    for number in range(2):
        agenda.put_off(f"work-{number}", "team", Lane.WORK)
    before = agenda.next_put_off()
    clock.now += NEWS_PATIENCE

    assert before == "work-0"
    assert agenda.next_put_off() == "news"


def test_nothing_is_waited_for_when_nobody_waits(agenda: Agenda) -> None:
    assert agenda.wait() == math.inf


def test_while_there_is_no_room_only_an_end_makes_some(agenda: Agenda) -> None:
    fill(agenda)
    agenda.put_off("a", "team", Lane.NEWS)

    assert agenda.wait() == math.inf


def test_one_that_is_touched_while_it_is_under_way_is_looked_at_after(agenda: Agenda) -> None:
    agenda.begin("a", Lane.WORK)
    first = agenda.defers("a"), agenda.end("a")
    second = agenda.defers("a")

    assert first == (True, True)
    assert not second


def test_it_says_how_long_the_first_has_waited(agenda: Agenda, clock: Clock) -> None:
    agenda.put_off("a", "team", Lane.WORK)
    clock.now += 1
    agenda.put_off("b", "other", Lane.WORK)
    agenda.put_off("a", "team", Lane.WORK)
    clock.now += 2

    assert agenda.longest_waits()[Lane.WORK] == pytest.approx(3)
    assert agenda.longest_waits()[Lane.NEWS] == 0


def test_one_that_has_room_waits_no_more_although_it_is_busy(agenda: Agenda, clock: Clock) -> None:
    agenda.begin("a", Lane.WORK)
    agenda.put_off("a", "team", Lane.WORK)
    clock.now += 1

    taken = agenda.next_put_off()
    is_looked_at_later = agenda.defers("a")

    assert (taken, is_looked_at_later) == ("a", True)
    assert agenda.longest_waits()[Lane.WORK] == 0
