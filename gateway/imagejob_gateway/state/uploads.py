"""Uploads in progress: a request holds its Idempotency-Key by a lease, which it has to renew.

Pure functions. A request that died stops renewing: then another may try, and the sweeper settles
what the first has left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_gateway.problem import ProblemError, ProblemReason

from . import limit
from .owner import OwnerState, Upload

if TYPE_CHECKING:
    from imagejob_operator.quota.rates import Rate


class Lease(msgspec.Struct, frozen=True):
    """How long an attempt is taken to be alive after its last sign of life, in seconds."""

    seconds: float

    @property
    def renewal(self) -> float:
        """The pause between renewals."""
        return self.seconds / 3

    @property
    def patience(self) -> float:
        """How long the request may take that creates the ImageJob, which begins within a lease."""
        return self.seconds

    @property
    def until_swept(self) -> float:
        """How long after the end of its lease an attempt is settled.

        Its last request has ended by then, and the clocks of two gateways may differ.
        """
        return self.seconds * 2

    def is_over(self, until: int, now: int) -> bool:
        """Whether an attempt is to be settled whose lease has ended at `until`."""
        return now - until >= self.until_swept * 1000

    def end(self, now: int) -> int:
        """Return when a lease ends that is renewed at `now`."""
        return now + round(self.seconds * 1000)


def begun(state: OwnerState, rate: Rate, upload: str, new: Upload) -> OwnerState:
    """Record an attempt. Raises ProblemError beyond the limit, or while another has its name."""
    if upload in state.uploads:
        return state
    rivals = [each for each in state.uploads.values() if new.name and each.name == new.name]
    until = max((each.until for each in rivals), default=0)
    if until > state.as_of:
        raise ProblemError(
            ProblemReason.IN_PROGRESS,
            "Another upload with this key is in progress.",
            header="Idempotency-Key",
            wait=state.seconds_until(until),
        )
    if new.name not in state.expected:
        limit.check(state, rate)
    return _with(state, {**state.uploads, upload: new})


def renewed(state: OwnerState, upload: str, until: int) -> OwnerState:
    """Extend the lease of an attempt, unless it was settled already."""
    known = state.uploads.get(upload)
    if known is None:
        return state
    return _with(state, {**state.uploads, upload: msgspec.structs.replace(known, until=until)})


def ended(state: OwnerState, upload: str, *, created: bool) -> OwnerState:
    """Forget an attempt; it is charged if the ImageJob is its own."""
    if upload not in state.uploads:
        return state
    left = {other: each for other, each in state.uploads.items() if other != upload}
    rest = _with(state, left)
    return limit.charged(rest) if created else rest


def _with(state: OwnerState, uploads: dict[str, Upload]) -> OwnerState:
    return msgspec.structs.replace(state, uploads=uploads)
