"""Tickets: for one image, once, and for a minute."""

from __future__ import annotations

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import tickets
from imagejob_gateway.state.owner import OwnerState, decode
from imagejob_operator.quota.rates import Rate

RATE = Rate(50, "1h")
NOW = 1_796_000_000_000
OWNER = "0f" * 20


def digest_of(text: str) -> str:
    presented = tickets.read(text)
    assert presented
    return presented.digest


def later(state: OwnerState, seconds: float) -> OwnerState:
    return state.at(NOW + round(seconds * 1000)).pruned(RATE)


FIRST = tickets.new_ticket(OWNER, lambda length: b"\1" * length)
STATE = tickets.issued(OwnerState(as_of=NOW), digest_of(FIRST), "uid-a")


def test_a_ticket_names_its_owner_and_the_state_does_not_have_it() -> None:
    presented = tickets.read(FIRST)

    assert presented
    assert presented.owner == OWNER
    assert FIRST.partition(".")[2] not in STATE.encode()
    assert decode(STATE.encode()) == STATE


def test_a_ticket_opens_its_image_once() -> None:
    after, image = tickets.redeemed(later(STATE, 59.9), digest_of(FIRST))

    assert image == "uid-a"
    assert tickets.redeemed(after, digest_of(FIRST)) == (after, None)
    assert after.is_empty


@pytest.mark.parametrize("seconds", [60, 3600])
def test_an_old_ticket_opens_nothing_and_is_dropped(seconds: float) -> None:
    state = later(STATE, seconds)

    assert tickets.redeemed(state, digest_of(FIRST)) == (state, None)
    assert state.is_empty


def test_an_old_ticket_is_refused_before_it_is_dropped() -> None:
    state = STATE.at(NOW + 60_000)

    assert tickets.redeemed(state, digest_of(FIRST))[1] is None


def test_a_ticket_lives_no_longer_where_a_clock_was_set_back() -> None:
    set_back = STATE.at(NOW - 3_600_000)
    a_minute_later = set_back.at(NOW - 3_600_000 + tickets.SECONDS * 1000)

    assert tickets.redeemed(set_back, digest_of(FIRST))[1] == "uid-a"
    assert tickets.redeemed(a_minute_later, digest_of(FIRST))[1] is None


def test_a_ticket_is_issued_again_after_a_write_without_an_answer() -> None:
    assert tickets.issued(STATE, digest_of(FIRST), "uid-a") == STATE


def test_unused_tickets_are_bounded_until_they_are_over() -> None:
    state = OwnerState(as_of=NOW)
    for number in range(tickets.MOST):
        state = tickets.issued(later(state, number), f"digest-{number}", "uid-a")

    with pytest.raises(ProblemError) as raised:
        tickets.issued(state, "another", "uid-a")

    assert raised.value.problem.reason == ProblemReason.TOO_MANY_STREAMS
    assert raised.value.problem.wait == tickets.SECONDS - (tickets.MOST - 1)
    assert "another" in tickets.issued(later(state, tickets.SECONDS), "another", "uid-a").tickets


FORMS = {
    "nothing": "",
    "no owner": FIRST.partition(".")[2],
    "no secret": f"{OWNER}.",
    "another owner's form": f"{'0F' * 20}.{FIRST.partition('.')[2]}",
    "a path": f"../{OWNER[3:]}.{FIRST.partition('.')[2]}",
    "more": f"{FIRST}a",
    "a line": f"{FIRST}\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_what_has_another_form_is_no_ticket(text: str) -> None:
    assert tickets.read(text) is None
