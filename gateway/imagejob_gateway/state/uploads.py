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

    def end(self, now: int) -> int:
        """Return when a lease ends that is renewed at `now`."""
        return now + round(self.seconds * 1000)


def begun(state: OwnerState, rate: Rate, key: str, upload: Upload) -> OwnerState:
    """Record an attempt. Raises ProblemError beyond the limit, or while another has its name."""
    if key in state.uploads:
        return state
    rivals = [each for each in state.uploads.values() if upload.name and each.name == upload.name]
    alive = max((each.until - state.as_of for each in rivals), default=0)
    if alive > 0:
        raise ProblemError(
            ProblemReason.IN_PROGRESS,
            "Another upload with this key is in progress.",
            header="Idempotency-Key",
            wait=max(1, -(-alive // 1000)),
        )
    if not rivals:
        limit.check(state, rate)
    return _with(state, {**state.uploads, key: upload})


def renewed(state: OwnerState, key: str, until: int) -> OwnerState:
    """Extend the lease of an attempt, unless it was settled already."""
    upload = state.uploads.get(key)
    if upload is None:
        return state
    return _with(state, {**state.uploads, key: msgspec.structs.replace(upload, until=until)})


def ended(state: OwnerState, key: str, *, created: bool) -> OwnerState:
    """Forget an attempt; it is charged if the ImageJob is its own."""
    if key not in state.uploads:
        return state
    left = {other: each for other, each in state.uploads.items() if other != key}
    rest = _with(state, left)
    return limit.charged(rest) if created else rest


def _with(state: OwnerState, uploads: dict[str, Upload]) -> OwnerState:
    return msgspec.structs.replace(state, uploads=uploads)
