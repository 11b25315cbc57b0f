"""What is under way, what waits for room, and who has it next."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable

from imagejob_operator.cache.reconcile_key import Subject
from imagejob_operator.kube.concurrency_limiter import Pace

from .fair_queue import FairQueue
from .status_throttle import Load, Sparing


class Lane(enum.IntEnum):
    """How much it matters that something is done soon; of two, the smaller goes first."""

    AT_ONCE = 0
    """Waits for nothing: work for the whole cluster depends on it."""
    WORK = 1
    """Brings ImageJobs on, or tells how they ended."""
    EVENT = 2
    """Tells once more what a status has told."""
    NEWS = 3
    """Tells where one stands meanwhile."""
    REFRESH = 4
    """Tells it more exactly."""


NEWS_REST, REFRESH_REST = 1.0, 4.0
"""One at a time, and then none for so many times as long as it took: what a slow server is spared
grows with how slow it is, whoever made it so."""

NEWS_PATIENCE, REFRESH_PATIENCE = 0.5, 2.0
"""Seconds after which one goes before any work, however much there is."""

BEHIND_AFTER, BEHIND_FOR = 0.25, 1.0
"""Seconds that some work or other has had to wait for room until that is more than a worker's
results all at once; and that it is remembered."""


class Agenda:
    """At most one action a subject, and in all as many as the API server takes well.

    Those who wait for room have it by namespace in turn. `clock` in seconds, never stepped.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._busy: dict[Subject, Lane] = {}
        self._again: set[Subject] = set()
        self._waiting: dict[Lane, FairQueue] = {
            lane: FairQueue() for lane in Lane if lane is not Lane.AT_ONCE
        }
        self._load = Load(clock)
        self._spared: dict[Lane, Sparing] = {
            Lane.NEWS: Sparing(NEWS_REST, NEWS_PATIENCE),
            Lane.REFRESH: Sparing(REFRESH_REST, REFRESH_PATIENCE),
        }
        self._no_room_since = math.inf
        self._behind_until = -math.inf

    @property
    def under_way(self) -> int:
        """How many actions are."""
        return len(self._busy)

    def waiting(self) -> dict[Lane, int]:
        """How many wait for room."""
        return {lane: len(queue) for lane, queue in self._waiting.items()}

    def longest_waits(self) -> dict[Lane, float]:
        """Seconds since the one that waits longest was first put off; 0 where nobody waits."""
        now = self._clock()
        return {lane: max(0.0, now - queue.oldest) for lane, queue in self._waiting.items()}

    @property
    def is_behind(self) -> bool:
        """Whether there has been work without room all the time lately."""
        now = self._clock()
        return now < self._behind_until or now >= self._no_room_since + BEHIND_AFTER

    def defers(self, subject: Subject) -> bool:
        """Whether it is looked at later: an action of its own is under way, or waits for room.

        Those whose wait may turn out to be urgent are looked at all the same.
        """
        if subject in self._busy:
            self._again.add(subject)
            return True
        return subject in self._waiting[Lane.WORK]

    def admits(self, lane: Lane) -> bool:
        """Whether an action may begin now, with nobody passed over who waits."""
        if lane is Lane.AT_ONCE:
            return True
        return self._has_room(lane) and not any(
            queue for other, queue in self._waiting.items() if other <= lane
        )

    def begin(self, subject: Subject, lane: Lane) -> None:
        """An action of its own is under way."""
        self.drop(subject)
        self._busy[subject] = lane
        if lane in self._spared:
            self._spared[lane].begin(self._clock())
        elif lane <= Lane.WORK:
            self._load.add()

    def end(self, subject: Subject) -> bool:
        """Its action has ended. Says whether it is to be looked at again."""
        lane = self._busy.pop(subject)
        if lane in self._spared:
            self._spared[lane].end(self._clock(), self._load.rate())
        if subject not in self._again:
            return False
        self._again.discard(subject)
        return True

    def put_off(self, subject: Subject, namespace: str, lane: Lane) -> None:
        """There is something to do for it, and no room. It keeps its place if it had one."""
        for other, queue in self._waiting.items():
            if other is not lane:
                queue.drop(subject)
        self._waiting[lane].put(subject, namespace, self._clock())
        self._note_work()

    def has_put_off(self, subject: Subject) -> bool:
        """Whether it waits for room."""
        return any(subject in queue for queue in self._waiting.values())

    def drop(self, subject: Subject) -> None:
        """There is nothing to do for it any more."""
        for queue in self._waiting.values():
            queue.drop(subject)
        self._note_work()

    def next_put_off(self) -> Subject | None:
        """Whose turn it is to have room, if there is room; it waits no more."""
        lane = self._next_lane()
        if lane is None or not self._has_room(lane):
            return None
        subject = self._waiting[lane].take()
        self._note_work()
        return subject

    def wait(self) -> float:
        """Seconds after which there may be room for whoever waits, though nothing happens."""
        lane = self._next_lane()
        return math.inf if lane is None else self._wait_for(lane)

    def _next_lane(self) -> Lane | None:
        """The first that anybody waits in, unless another has had nothing for long."""
        waiting = [lane for lane, queue in self._waiting.items() if queue]
        now = self._clock()
        neglected = [
            lane for lane in waiting if (own := self._spared.get(lane)) and own.is_neglected(now)
        ]
        return next(iter(neglected or waiting), None)

    def _has_room(self, lane: Lane) -> bool:
        return self._wait_for(lane) <= 0

    def _wait_for(self, lane: Lane) -> float:
        """Seconds until one of the lane may begin."""
        if len(self._busy) >= self._pace.limit:
            return math.inf  # what is under way wakes whoever asks when it ends
        spared = self._spared.get(lane)
        return max(self._pace.pause, spared.wait(self._clock()) if spared else 0.0)

    def _note_work(self) -> None:
        """Since when there has been work without room, if there is any."""
        now = self._clock()
        if self._waiting[Lane.WORK]:
            self._no_room_since = min(now, self._no_room_since)
            return
        if now >= self._no_room_since + BEHIND_AFTER:
            self._behind_until = now + BEHIND_FOR
        self._no_room_since = math.inf
