"""The work queue: keys to reconcile, now or later, and actions that wait for capacity.

A key is added, to be reconciled in its turn or after a delay. Reconciling it yields an action, or
none. An action starts immediately if there is capacity; otherwise the key waits, by priority and
with the namespaces in turn, and is reconciled again when it gets capacity. While the action of a
key is in progress, the key is not reconciled, but once more afterwards.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from imagejob_operator.cache.reconcile_key import (
    MissingLedgersKey,
    NamespaceKey,
    ObjectKey,
    QuotaStatusKey,
    ReconcileKey,
)
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter

from .delays import Delays
from .fair_queue import FairQueue
from .priority import Priority
from .status_throttle import Load, StatusThrottle

STATUS_REST, STATUS_REFRESH_REST = 1.0, 4.0
"""The pause after a status write, as a multiple of its duration: the slower the server, the more it
is spared."""

STATUS_PATIENCE, STATUS_REFRESH_PATIENCE = 0.5, 2.0
"""Seconds after which a status write goes before any other work."""

BEHIND_AFTER, BEHIND_FOR = 0.25, 1.0
"""Seconds that work has to wait continuously until the queue is behind (a worker's results arrive
together), and seconds that this is remembered."""


class WorkQueue:
    """At most one action per key, and in total as many as the API server can take.

    `clock` is in seconds and monotonic; `now` is the clock for `after`. `wake` is called when a
    delayed key becomes due.
    """

    def __init__(
        self,
        limiter: AdaptiveConcurrencyLimiter,
        clock: Callable[[], float] = time.monotonic,
        *,
        now: Callable[[], datetime] = utc_now,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._wake = wake
        self._ready: dict[ObjectKey, None] = {}
        self._ready_last: dict[ObjectKey, None] = {}
        self._namespaces: dict[str, None] = {}
        self._on_time: set[str] = set()
        self._delays = Delays(self._add_on_time, now)
        self._busy: dict[ReconcileKey, Priority] = {}
        self._again: set[ObjectKey] = set()
        self._waiting: dict[Priority, FairQueue] = {
            priority: FairQueue() for priority in Priority if priority is not Priority.IMMEDIATE
        }
        self._load = Load(clock)
        self._throttles: dict[Priority, StatusThrottle] = {
            Priority.STATUS: StatusThrottle(STATUS_REST, STATUS_PATIENCE),
            Priority.STATUS_REFRESH: StatusThrottle(STATUS_REFRESH_REST, STATUS_REFRESH_PATIENCE),
        }
        self._no_room_since = math.inf
        self._behind_until = -math.inf

    def add(self, key: ReconcileKey, *, after: datetime | None = None) -> None:
        """Add the key, now or `after` a time, which replaces a time that was set before."""
        if after is not None:
            self._delays.set(key, after)
        elif isinstance(key, NamespaceKey):
            self._namespaces[key.namespace] = None
        elif isinstance(key, QuotaStatusKey | MissingLedgersKey):
            self._ready_last[key] = None
        else:
            self._ready[key] = None

    def add_namespaces(self, namespaces: Iterable[str]) -> None:
        """Add all of these namespaces."""
        self._namespaces |= dict.fromkeys(namespaces)

    def _add_on_time(self, key: ReconcileKey) -> None:
        """Add a key that is due.

        For a namespace this is when an ImageJob is promised to continue.
        """
        self.add(key)
        if isinstance(key, NamespaceKey):
            self._on_time.add(key.namespace)
        self._wake()

    @property
    def has_keys(self) -> bool:
        """Whether any key other than namespaces is waiting to be reconciled."""
        return bool(self._ready or self._ready_last)

    def next(self, *, only_awaited: bool = False) -> ObjectKey | None:
        """Dequeue the oldest key other than namespaces; None if there is none.

        Statuses of ImageQuotas come last, or not at all with `only_awaited`: at a start there is
        one for each namespace. So do the missing ledgers that they need, to be rebuilt together.
        """
        ready = self._ready or ({} if only_awaited else self._ready_last)
        key = next(iter(ready), None)
        if key is not None:
            del ready[key]
        return key

    def namespaces(self, *, only_on_time: bool = False) -> list[str]:
        """Return the namespaces to plan, or only those that are due.

        Without those whose ledger is being read or written.
        """
        waiting = self._on_time if only_on_time else self._namespaces
        return [each for each in waiting if NamespaceKey(each) not in self._busy]

    @property
    def has_namespaces(self) -> bool:
        """Whether any namespace can be planned now."""
        return any(NamespaceKey(each) not in self._busy for each in self._namespaces)

    def take_namespace(self, namespace: str) -> None:
        """Dequeue a namespace that is being planned."""
        self._namespaces.pop(namespace, None)
        self._on_time.discard(namespace)

    @property
    def under_way(self) -> int:
        """The number of actions in progress."""
        return len(self._busy)

    def waiting(self) -> dict[Priority, int]:
        """Return the number of queued keys by priority."""
        return {priority: len(queue) for priority, queue in self._waiting.items()}

    def longest_waits(self) -> dict[Priority, float]:
        """Return the age in seconds of the oldest queued key by priority; 0 without any."""
        now = self._clock()
        return {priority: max(0.0, now - queue.oldest) for priority, queue in self._waiting.items()}

    @property
    def is_behind(self) -> bool:
        """Whether work has been waiting for capacity continuously."""
        now = self._clock()
        return now < self._behind_until or now >= self._no_room_since + BEHIND_AFTER

    def defers(self, key: ObjectKey) -> bool:
        """Whether to reconcile the key later: its own action is in progress, or waits for capacity.

        Keys of lower priority are reconciled, as they may have become urgent. Missing ledgers that
        could not be rebuilt are deferred until their retry: they are those of all namespaces, and
        an event of any of them would bring it forward.
        """
        if key in self._busy:
            self._again.add(key)
            return True
        if isinstance(key, MissingLedgersKey) and key in self._delays:
            return True
        return key in self._waiting[Priority.PROGRESS]

    def admits(self, priority: Priority) -> bool:
        """Whether an action may start now without overtaking a queued one."""
        if priority is Priority.IMMEDIATE:
            return True
        return self._has_room(priority) and not any(
            queue for other, queue in self._waiting.items() if other <= priority
        )

    def begin(self, key: ReconcileKey, priority: Priority) -> None:
        """Record that an action of the key starts."""
        if not isinstance(key, NamespaceKey):
            self.drop(key)
        self._busy[key] = priority
        if priority in self._throttles:
            self._throttles[priority].begin(self._clock())
        elif priority <= Priority.PROGRESS:
            self._load.add()

    def end(self, key: ReconcileKey) -> None:
        """Record that its action has ended; add the key again if that was requested meanwhile."""
        priority = self._busy.pop(key)
        if priority in self._throttles:
            self._throttles[priority].end(self._clock(), self._load.rate())
        if not isinstance(key, NamespaceKey) and key in self._again:
            self._again.discard(key)
            self.add(key)

    def put_off(self, key: ObjectKey, namespace: str, priority: Priority) -> None:
        """Queue the key until there is capacity for its action.

        It keeps its place if it had one.
        """
        for other, queue in self._waiting.items():
            if other is not priority:
                queue.drop(key)
        self._waiting[priority].put(key, namespace, self._clock())
        self._note_work()

    def is_waiting(self, key: ObjectKey) -> bool:
        """Whether the key is queued."""
        return any(key in queue for queue in self._waiting.values())

    def drop(self, key: ObjectKey) -> None:
        """Remove the key: it has nothing to do any more."""
        for queue in self._waiting.values():
            queue.drop(key)
        self._note_work()

    def pop(self) -> ObjectKey | None:
        """Dequeue the next key, if there is capacity for it."""
        priority = self._next_priority()
        if priority is None or not self._has_room(priority):
            return None
        key = self._waiting[priority].take()
        self._note_work()
        return key

    def wait(self) -> float:
        """Return the seconds after which there may be capacity without any event."""
        priority = self._next_priority()
        return math.inf if priority is None else self._wait_for(priority)

    def _next_priority(self) -> Priority | None:
        """Return the first priority with queued keys, unless a lower one has been starved for too
        long."""
        waiting = [priority for priority, queue in self._waiting.items() if queue]
        now = self._clock()
        neglected = [
            priority
            for priority in waiting
            if (own := self._throttles.get(priority)) and own.is_neglected(now)
        ]
        return next(iter(neglected or waiting), None)

    def _has_room(self, priority: Priority) -> bool:
        return self._wait_for(priority) <= 0

    def _wait_for(self, priority: Priority) -> float:
        """Return the seconds until an action of the priority may start."""
        if len(self._busy) >= self._limiter.limit:
            return math.inf  # the end of an action wakes the loop
        throttle = self._throttles.get(priority)
        return max(self._limiter.pause, throttle.wait(self._clock()) if throttle else 0.0)

    def _note_work(self) -> None:
        """Update since when work has been waiting for capacity."""
        now = self._clock()
        if self._waiting[Priority.PROGRESS]:
            self._no_room_since = min(now, self._no_room_since)
            return
        if now >= self._no_room_since + BEHIND_AFTER:
            self._behind_until = now + BEHIND_FOR
        self._no_room_since = math.inf
