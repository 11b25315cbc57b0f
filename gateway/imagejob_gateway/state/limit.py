"""The limit per owner: how many ImageJobs one may create in a window.

What is created counts from then. What is in progress counts, too, until it is known what became of
it, so no more can ever be created than the limit allows, and what fails costs nothing.
"""

from __future__ import annotations

import msgspec
from imagejob_operator.quota.rates import Rate, usage

from imagejob_gateway.problem import RETRY_SECONDS, ProblemError, ProblemReason

from .owner import Admissions, OwnerState


class Allowance(msgspec.Struct, frozen=True):
    """What is left of the limit. `wait` is after how many seconds there may be more; 0: now."""

    rate: Rate
    remaining: int
    wait: int


def allowance(state: OwnerState, rate: Rate) -> Allowance:
    """Return what is left, at the state's time."""
    free = rate.jobs - state.reserved
    if free <= 0:  # it is known soon what becomes of what is in progress
        return Allowance(rate, 0, RETRY_SECONDS)
    (use,) = usage(state.admissions.history, (Rate(free, rate.per),), state.as_of)
    if use.next_available is None:
        return Allowance(rate, use.remaining, 0)
    return Allowance(rate, 0, state.seconds_until(use.next_available))


def check(state: OwnerState, rate: Rate, wanted: int = 1) -> None:
    """Raise ProblemError if fewer than `wanted` are left."""
    left = allowance(state, rate)
    if left.remaining >= wanted:
        return
    raise ProblemError(
        ProblemReason.LIMIT_EXCEEDED,
        f"You may upload {rate.jobs} images per {rate.per}; {left.remaining} are left.",
        wait=left.wait or RETRY_SECONDS,
    )


def charged(state: OwnerState) -> OwnerState:
    """Return the state after one more was created, at its time."""
    now = state.as_of
    history = state.admissions.history.add(now, 1).compacted(now)
    return msgspec.structs.replace(state, admissions=Admissions.of(history, now))
