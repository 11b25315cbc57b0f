"""Who has room, who waits for it, and in which order they get it."""

from __future__ import annotations

import math

import pytest
from clocks import Clock
from imagejob_operator.agenda import (
    BEHIND_FOR,
    LEAST_NEWS,
    NEWS_RATE,
    Agenda,
    FairQueue,
    Lane,
)
from imagejob_operator.pace import LEAST, Pace


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


def test_a_pause_of_the_server_is_for_all_but_what_is_at_once(clock: Clock) -> None:
    pace = Pace(clock)
    agenda = Agenda(pace, clock)
    pace.refused(2.0)
    agenda.put_off("a", "team", Lane.WORK)
    during = (agenda.admits(Lane.NEWS), agenda.next_put_off(), agenda.wait())
    clock.now += 2

    assert during == (False, None, 2.0)
    assert agenda.next_put_off() == "a"


def test_it_is_behind_while_work_has_had_to_wait(agenda: Agenda, clock: Clock) -> None:
    before = agenda.is_behind
    agenda.put_off("a", "team", Lane.WORK)
    then = agenda.is_behind
    clock.now += BEHIND_FOR

    assert (before, then, agenda.is_behind) == (False, True, False)


def test_news_that_has_to_wait_is_not_being_behind(agenda: Agenda) -> None:
    agenda.put_off("a", "team", Lane.NEWS)

    assert not agenda.is_behind


def test_news_come_at_their_rate(agenda: Agenda, clock: Clock) -> None:
    agenda.begin("a", Lane.NEWS)
    agenda.put_off("b", "team", Lane.NEWS)
    before, wait = agenda.next_put_off(), agenda.wait()
    clock.now += wait

    assert before is None
    assert wait == pytest.approx(1 / NEWS_RATE)
    assert agenda.next_put_off() == "b"


def test_news_yield_to_work_but_never_end(agenda: Agenda) -> None:
    for number in range(1000):
        agenda.begin(f"work-{number}", Lane.AT_ONCE)
        agenda.end(f"work-{number}")
    agenda.begin("a", Lane.NEWS)
    agenda.put_off("b", "team", Lane.NEWS)

    assert agenda.wait() == pytest.approx(1 / LEAST_NEWS)


def test_news_that_nobody_had_for_long_go_before_work(agenda: Agenda, clock: Clock) -> None:
    agenda.begin("told", Lane.NEWS)
    agenda.end("told")
    agenda.put_off("news", "team", Lane.NEWS)
    for number in range(2):
        agenda.put_off(f"work-{number}", "team", Lane.WORK)
    before = agenda.next_put_off()
    clock.now += 1 / LEAST_NEWS

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


def test_a_queue_forgets_a_namespace_with_its_last() -> None:
    queue = FairQueue()
    queue.put("a", "team")
    queue.drop("a")
    queue.drop("a")

    assert len(queue) == 0
    assert not queue._lines
