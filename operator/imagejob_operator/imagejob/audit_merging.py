"""Transitions that come and go without consequence are told together, and not one by one.

Whoever flips `suspend`, or makes and deletes a store, moves an ImageJob to and fro for nothing:
nothing is charged, and nothing starts. Each would be a line for ever in somebody's archive. So
such transitions form a *run* until they are told. Within a run each state has one entry, its
newest, that says how often it was come to. A run is told once its last state has settled; after a
few have been told, the next is held back for longer each time, up to HELD. A transition that
matters ends the run and is never held.

An entry that was told is never touched again: numbers are given out anew only among those of a run,
so there is no hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.imagejob import AuditEntry
from imagejob_operator.api.reasons import Reason

from .inputs import JobState

HELD = timedelta(seconds=60)
"""How long a run is held back at most, and how long after its begin it is told at the latest."""

FREE = 3
"""Runs that are told as soon as they have settled: what people do by hand."""

FIRST_HELD = timedelta(seconds=2)
"""How long the next one is held back; it doubles with each."""

QUIET = timedelta(minutes=5)
"""After so long without any, all is as in the beginning."""


class Run(msgspec.Struct, frozen=True):
    """`length` entries at the end of the history are a run, begun at `began`, that wasn't told yet.

    `told` runs in a row have been told, the last one at `told_at`.
    """

    length: int = 0
    began: datetime | None = None
    told: int = 0
    told_at: datetime | None = None

    def ended(self) -> Run:
        """Something else has happened."""
        return msgspec.structs.replace(self, length=0, began=None)

    def after_telling(self, lines: int, now: datetime) -> Run:
        """All was told, the last `lines` of it for the first time."""
        if not lines:
            return self
        if lines != self.length:  # something that matters was among them
            return Run()
        quiet = self.told_at is None or now - self.told_at > QUIET
        return Run(told=1 if quiet else self.told + 1, told_at=now)

    def due(self, settles: datetime) -> datetime:
        """When to tell, the newest state lasting until then."""
        if not self.length or not self.began:
            return settles
        at = settles
        if self.told >= FREE and self.told_at and self.began - self.told_at <= QUIET:
            steps = min(self.told - FREE, 10)  # no more doubling than it takes
            at = max(at, self.told_at + min(HELD, FIRST_HELD * 2**steps))
        return min(at, self.began + HELD)


def is_idle(state: JobState) -> bool:
    """Whether it has come there for nothing: no charge, no worker, no attempt, no end."""
    matters = state.is_finished or state.worker or state.failure
    return not matters and state.reason != Reason.DISPATCHED


def merged(
    history: Sequence[AuditEntry], run: Run, entry: AuditEntry
) -> tuple[list[AuditEntry], Run]:
    """The history with one more idle transition; the run is at the end of the one given."""
    length = min(run.length, len(history))  # what another operator has written is no run of ours
    before, tail = list(history[: len(history) - length]), history[len(history) - length :]
    same = [each for each in tail if _state(each) == _state(entry)]
    times = 1 + sum(each.count or 1 for each in same)
    entry = msgspec.structs.replace(entry, count=times if times > 1 else None)
    states = [*(each for each in tail if each not in same), entry]
    first = tail[0].seq if tail else entry.seq
    numbered = [msgspec.structs.replace(each, seq=first + n) for n, each in enumerate(states)]
    began = run.began if length and run.began else entry.time
    return before + numbered, msgspec.structs.replace(run, length=len(states), began=began)


def _state(entry: AuditEntry) -> tuple[str, str]:
    return entry.event, entry.reason
