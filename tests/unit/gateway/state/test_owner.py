"""One owner's state: its clock, its limit, and what of it is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_gateway.config import LONGEST_LEASE
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import limit, uploads
from imagejob_gateway.state.owner import OwnerState, Upload, decode
from imagejob_gateway.state.uploads import Lease
from imagejob_operator.quota.rates import Rate
from support.state_shards import RATE, START

MINUTE, HOUR = 60_000, 3_600_000
LEASE = Lease(30)


def new(name: str = "", until: int = START + 30_000) -> Upload:
    return Upload(name, "uploads", "uploads/x/original", until)


def begun(
    state: OwnerState, upload: str, name: str = "", until: int = START + 30_000
) -> OwnerState:
    return uploads.begun(state, RATE, upload, new(name, until))


def refused(state: OwnerState, upload: str, name: str = "") -> tuple[ProblemReason, int | None]:
    with pytest.raises(ProblemError) as caught:
        begun(state, upload, name)
    problem = caught.value.problem
    return problem.reason, problem.retry_after


def test_what_is_in_progress_counts_and_what_fails_costs_nothing() -> None:
    state = OwnerState(as_of=START)
    for upload in "abc":
        state = begun(state, upload)

    assert refused(state, "d") == (ProblemReason.LIMIT_EXCEEDED, 5)
    state = uploads.ended(state, "a", created=False)
    assert limit.allowance(state, RATE).remaining == 1
    assert begun(state, "d").uploads.keys() == {"b", "c", "d"}


def test_what_is_created_counts_for_the_window_and_the_client_hears_until_when() -> None:
    state = OwnerState(as_of=START)
    for upload in "abc":
        state = uploads.ended(begun(state, upload), upload, created=True)
        state = state.at(state.as_of + MINUTE)

    reason, wait = refused(state, "d")

    assert reason is ProblemReason.LIMIT_EXCEEDED
    assert wait is not None
    assert 57 * 60 <= wait <= 58 * 60  # the window is an hour, and up to 30 s of it are granularity
    assert limit.allowance(state.at(state.as_of + (wait - 60) * 1000), RATE).remaining == 0
    assert limit.allowance(state.at(state.as_of + wait * 1000), RATE).remaining == 1


def test_half_in_progress_leaves_the_client_to_wait_for_the_other_half() -> None:
    state = OwnerState(as_of=START)
    for upload in "ab":
        state = uploads.ended(begun(state, upload), upload, created=True)
    state = begun(state.at(START + MINUTE), "c")

    _, wait = refused(state, "d")

    assert wait is not None
    assert wait > 58 * 60


def test_an_attempt_is_recorded_once_and_charged_once() -> None:
    """A write whose answer was lost is decided upon again."""
    once = begun(OwnerState(as_of=START), "a", "img-1")

    assert begun(once, "a", "img-1") == once
    ended = uploads.ended(once, "a", created=True)
    assert uploads.ended(ended, "a", created=True) == ended
    assert uploads.renewed(ended, "a", START + HOUR) == ended


def test_a_key_is_held_while_its_attempt_lives_and_no_longer() -> None:
    state = begun(OwnerState(as_of=START), "a", "img-1")

    assert refused(state, "b", "img-1") == (ProblemReason.IN_PROGRESS, 30)
    renewed = uploads.renewed(state, "a", START + 40_000).at(START + 30_000)
    assert refused(renewed, "b", "img-1") == (ProblemReason.IN_PROGRESS, 10)
    free = renewed.at(START + 40_000)
    assert begun(free, "b", "img-1", until=START + 70_000).uploads.keys() == {"a", "b"}


def test_the_retry_of_a_dead_attempt_counts_once() -> None:
    state = begun(begun(OwnerState(as_of=START), "a", "img-1"), "b")
    state = begun(begun(state, "c").at(START + 40_000), "d", "img-1")

    assert state.reserved == RATE.jobs


def test_a_dead_attempt_is_swept_after_all_of_its_requests_have_ended() -> None:
    assert not LEASE.is_over(START, START + 59_999)
    assert LEASE.is_over(START, START + 60_000)
    assert LEASE.until_swept > LEASE.patience


def test_the_clock_stands_still_when_another_is_a_little_behind() -> None:
    state = limit.charged(OwnerState(as_of=START))

    assert state.at(START - 5_000) == state


def test_a_clock_that_was_set_back_blocks_for_a_window_at_most() -> None:
    state = OwnerState(as_of=START)
    for _ in range(RATE.jobs):
        state = limit.charged(state)

    back = state.at(START - 9 * HOUR)

    assert limit.allowance(back, RATE).remaining == 0
    assert limit.allowance(back.at(back.as_of + HOUR + MINUTE), RATE).remaining == RATE.jobs


def test_a_clock_that_was_set_back_holds_no_key_for_long() -> None:
    state = begun(OwnerState(as_of=START), "a", "img-1")

    back = state.at(START - 9 * HOUR)

    assert refused(back, "b", "img-1") == (ProblemReason.IN_PROGRESS, LONGEST_LEASE)


def test_an_owner_of_whom_nothing_is_left_takes_no_room() -> None:
    state = uploads.ended(begun(OwnerState(as_of=START), "a"), "a", created=True)

    assert decode(state.encode()) == state
    assert state.at(START + HOUR).pruned(RATE).encode() != ""
    assert state.at(START + HOUR + MINUTE).pruned(RATE).encode() == ""


@given(
    st.lists(
        st.tuples(st.integers(0, 40 * MINUTE), st.sampled_from(["begin", "create", "fail"])),
        max_size=60,
    )
)
def test_no_window_ever_has_more_than_the_limit(moves: list[tuple[int, str]]) -> None:
    state, created, number = OwnerState(as_of=START), list[int](), 0
    rate = Rate(RATE.jobs, RATE.per)
    for pause, move in moves:
        state = decode(state.at(state.as_of + pause).pruned(rate).encode()).at(state.as_of + pause)
        if move == "begin" and limit.allowance(state, rate).remaining:
            number += 1
            state = begun(state, str(number))
        elif move != "begin" and state.uploads:
            state = uploads.ended(state, next(iter(state.uploads)), created=move == "create")
            created += [state.as_of] * (move == "create")

    for at in created:
        assert sum(at <= other < at + HOUR for other in created) <= RATE.jobs
