"""Tickets: for one image, once, and for a minute."""

from __future__ import annotations

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import tickets
from imagejob_gateway.state.owner import OwnerState
from imagejob_operator.quota.rates import Rate

RATE = Rate(50, "1h")
NOW = 1_796_000_000_000


def later(state: OwnerState, seconds: float) -> OwnerState:
    return state.at(NOW + round(seconds * 1000)).pruned(RATE)


FIRST = "digest"
STATE = tickets.issued(OwnerState(as_of=NOW), FIRST, "uid-a")


def test_a_ticket_opens_its_image_once() -> None:
    after, image = tickets.redeemed(later(STATE, 59.9), FIRST)

    assert image == "uid-a"
    assert tickets.redeemed(after, FIRST) == (after, None)
    assert after.is_empty


@pytest.mark.parametrize("seconds", [60, 3600])
def test_an_old_ticket_opens_nothing_and_is_dropped(seconds: float) -> None:
    state = later(STATE, seconds)

    assert tickets.redeemed(state, FIRST) == (state, None)
    assert state.is_empty


def test_an_old_ticket_is_refused_before_it_is_dropped() -> None:
    state = STATE.at(NOW + 60_000)

    assert tickets.redeemed(state, FIRST)[1] is None


def test_a_ticket_lives_no_longer_where_a_clock_was_set_back() -> None:
    set_back = STATE.at(NOW - 3_600_000)
    a_minute_later = set_back.at(NOW - 3_600_000 + tickets.SECONDS * 1000)

    assert tickets.redeemed(set_back, FIRST)[1] == "uid-a"
    assert tickets.redeemed(a_minute_later, FIRST)[1] is None


def test_a_ticket_is_issued_again_after_a_write_without_an_answer() -> None:
    assert tickets.issued(STATE, FIRST, "uid-a") == STATE


def test_unused_tickets_are_bounded_until_they_are_over() -> None:
    state = OwnerState(as_of=NOW)
    for number in range(tickets.MOST):
        state = tickets.issued(later(state, number), f"digest-{number}", "uid-a")

    with pytest.raises(ProblemError) as raised:
        tickets.issued(state, "another", "uid-a")

    assert raised.value.problem.reason == ProblemReason.TOO_MANY_STREAMS
    assert raised.value.problem.wait == tickets.SECONDS - (tickets.MOST - 1)
    assert "another" in tickets.issued(later(state, tickets.SECONDS), "another", "uid-a").tickets
