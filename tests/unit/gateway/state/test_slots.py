"""Slots in an owner's state: what is open, what counts, and what is remembered for how long."""

from __future__ import annotations

import msgspec
import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import limit, slots, uploads
from imagejob_gateway.state.owner import OwnerState, Slot, StateError, Upload, decode, image_of
from imagejob_gateway.state.slots import GRACE
from imagejob_operator.quota.rates import Rate
from support.state_shards import START

RATE = Rate(5, "1h")
END = START + 60_000
ALICE = "https://issuer.example#alice"


def slot(expires: int = END) -> Slot:
    return Slot(expires, "digest", "uploads", "web", "jpeg", 9, "a" * 64)


def after(*ids: str, most: int = 100, state: OwnerState | None = None) -> OwnerState:
    """The state once these are reserved."""
    state = state or OwnerState(as_of=START)
    return slots.reserved(state, RATE, most, ALICE, {id_: slot() for id_ in ids})


def later(state: OwnerState, now: int) -> OwnerState:
    return state.at(now).pruned(RATE)


def reason(raised: pytest.ExceptionInfo[ProblemError]) -> ProblemReason:
    return raised.value.problem.reason


def test_what_is_reserved_is_there_once() -> None:
    ids = "a" * 24, "b" * 24
    state = after(*ids)

    assert after(*ids, state=state) is state
    assert state.reserved == 2
    assert state.name == ALICE
    assert decode(state.encode()) == state


@pytest.mark.parametrize("id_", ["../uploads/1/original", "a", "A" * 24, f"{'a' * 24}\n"])
def test_what_is_no_id_of_a_slot_is_not_read(id_: str) -> None:
    """Who may write ConfigMaps must not lead the sweeper to other keys."""
    with pytest.raises(StateError):
        decode(after(id_).encode())


def test_open_slots_are_bounded_by_number_and_count_for_the_limit() -> None:
    with pytest.raises(ProblemError) as many:
        after("c", state=after("a", "b"), most=2)
    with pytest.raises(ProblemError) as limited:
        after("c", state=after(*"abdef"))

    assert (reason(many), many.value.problem.retry_after) == (ProblemReason.TOO_MANY_SLOTS, 60)
    assert reason(limited) == ProblemReason.LIMIT_EXCEEDED


def test_an_attempt_to_complete_a_slot_counts_once_and_never_for_more_than_the_limit() -> None:
    state = after(*"abdef")
    attempt = Upload(image_of("a"), "uploads", "uploads/1/original", END)

    begun = uploads.begun(state, RATE, "1", attempt)
    ended = slots.completed(uploads.ended(begun, "1", created=True), "a")

    assert begun.reserved == 5
    assert ended.reserved == 4
    assert limit.allowance(ended, RATE).remaining == 0
    assert ended.slots["a"] == Slot(END, "digest", "uploads", phase="completed")
    with pytest.raises(ProblemError):
        uploads.begun(ended, RATE, "2", Upload("img-x", "uploads", "uploads/2/original", END))


def test_an_expired_slot_counts_no_more_and_is_remembered_for_a_while() -> None:
    state = later(after("a"), END)

    assert not slots.is_open(state, "a")
    assert state.reserved == 0
    assert slots.overdue(state, END + GRACE - 1) == {}
    assert slots.overdue(state, END + GRACE) == state.slots
    assert later(slots.dropped(state, "a"), END + GRACE).is_empty


def test_a_slot_that_was_given_back_stays_until_its_url_has_expired() -> None:
    state = slots.returned(after("a", "b"), "a")

    assert slots.returned(state, "a") is state
    assert state.reserved == 1
    assert slots.overdue(state, END) == {}
    assert slots.overdue(state, END + GRACE).keys() == {"a", "b"}


def test_a_slot_is_not_given_back_while_it_is_completed() -> None:
    attempt = Upload(image_of("a"), "uploads", "uploads/1/original", END)
    state = uploads.begun(after("a"), RATE, "1", attempt)

    with pytest.raises(ProblemError) as raised:
        slots.returned(state, "a")

    assert reason(raised) == ProblemReason.IN_PROGRESS


ENDS = {
    "completed": (slots.completed(after("a"), "a"), ProblemReason.SLOT_USED),
    "given back": (slots.returned(after("a"), "a"), ProblemReason.SLOT_CLOSED),
    "expired": (later(after("a"), END), ProblemReason.SLOT_CLOSED),
    "another": (after("b"), ProblemReason.NOT_FOUND),
}


@pytest.mark.parametrize(("state", "expected"), ENDS.values(), ids=ENDS)
def test_what_is_not_open_is_not_completed(state: OwnerState, expected: ProblemReason) -> None:
    with pytest.raises(ProblemError) as raised:
        slots.check_open(state, "a")

    assert reason(raised) == expected


@pytest.mark.parametrize(("id_", "token"), [("a", "other"), ("a", ""), ("b", "digest")])
def test_another_token_proves_nothing_and_the_answer_tells_nothing(id_: str, token: str) -> None:
    state = after("a")
    assert slots.proven(state, "a", "digest") == state.slots["a"]

    with pytest.raises(ProblemError) as raised:
        slots.proven(state, id_, token)

    assert reason(raised) == ProblemReason.UNAUTHENTICATED


def test_a_hundred_slots_fit_into_an_owner_s_bound() -> None:
    longest = msgspec.structs.replace(slot(), token="t" * 22, profile="p" * 32, store="s" * 32)
    new = {f"{n:024x}": longest for n in range(100)}

    state = slots.reserved(OwnerState(as_of=START), Rate(100, "1h"), 100, ALICE, new)

    assert len(state.encode()) < 32 * 1024
