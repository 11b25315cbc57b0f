"""Merge repeated audit entries of transitions without effect.

A user who toggles `suspend`, or creates and deletes a store, moves an ImageJob between states
without effect: nothing is charged, and nothing starts. Each would be a line in an archive. So such
transitions form a *run* until they are emitted. Within a run each state has one entry, its newest,
with a count. A run is emitted once its last state has settled; after a few have been emitted, the
next is delayed for longer each time, up to HELD. A transition with an effect ends the run and is
never delayed.

An emitted entry never changes: only the entries of a run are renumbered, so numbers have no gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.imagejob import AuditEntry
from imagejob_operator.api.reasons import Reason

from .inputs import JobState

HELD = timedelta(seconds=60)
"""The longest delay of a run, and the latest time after its start at which it is emitted."""

FREE = 3
"""Runs that are emitted as soon as they have settled: enough for changes by hand."""

FIRST_HELD = timedelta(seconds=2)
"""The delay of the next run; it doubles with each."""

QUIET = timedelta(minutes=5)
"""After this time without a run, the delay is reset."""


class Run(msgspec.Struct, frozen=True):
    """The last `length` entries of the history are a run that began at `began`, not emitted yet.

    `emitted` counts the runs in a row that have been emitted, the last one at `emitted_at`.
    """

    length: int = 0
    began: datetime | None = None
    emitted: int = 0
    emitted_at: datetime | None = None

    def ended(self) -> Run:
        """End the run: a transition with an effect follows."""
        return msgspec.structs.replace(self, length=0, began=None)

    def after_telling(self, lines: int, now: datetime) -> Run:
        """All entries were emitted, the last `lines` for the first time."""
        if not lines:
            return self
        if lines != self.length:  # some of them had an effect
            return Run()
        quiet = self.emitted_at is None or now - self.emitted_at > QUIET
        return Run(emitted=1 if quiet else self.emitted + 1, emitted_at=now)

    def due(self, settles: datetime) -> datetime:
        """When to emit the entries, if the newest state lasts until `settles`."""
        if not self.length or not self.began:
            return settles
        at = settles
        if self.emitted >= FREE and self.emitted_at and self.began - self.emitted_at <= QUIET:
            steps = min(self.emitted - FREE, 10)  # ten doublings exceed HELD
            at = max(at, self.emitted_at + min(HELD, FIRST_HELD * 2**steps))
        return min(at, self.began + HELD)


def is_idle(state: JobState) -> bool:
    """Whether the transition had no effect: no charge, worker, attempt or end."""
    has_effect = state.is_finished or state.worker or state.failure
    return not has_effect and state.reason != Reason.DISPATCHED


def merged(
    history: Sequence[AuditEntry], run: Run, entry: AuditEntry
) -> tuple[list[AuditEntry], Run]:
    """Add an idle transition to the history, which ends with the entries of `run`."""
    length = min(run.length, len(history))  # entries by another operator are no part of it
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
