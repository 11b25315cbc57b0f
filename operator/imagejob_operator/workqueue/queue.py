"""What is to be reconciled next, when, and whether there is room for what has to be done then.

A key is added: to be looked at in its turn, or after a moment. Who looks at it finds an action, or
none. An action begins at once if there is room; else the key waits for room, by priority and with
the namespaces taking turns, and is looked at anew when it has it. While the action of a key is
under way, the key is looked at no further, but once more afterwards.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from imagejob_operator.cache.reconcile_key import NamespaceKey, ObjectKey, ReconcileKey
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter

from .delays import Delays
from .fair_queue import FairQueue
from .priority import Priority
from .status_throttle import Load, StatusThrottle

STATUS_REST, STATUS_REFRESH_REST = 1.0, 4.0
"""One at a time, and then none for so many times as long as it took: what a slow server is spared
grows with how slow it is, whatever the cause."""

STATUS_PATIENCE, STATUS_REFRESH_PATIENCE = 0.5, 2.0
"""Seconds after which one goes before any work, however much there is."""

BEHIND_AFTER, BEHIND_FOR = 0.25, 1.0
"""Seconds that some work or other has had to wait for room until that is more than a worker's
results all at once; and that it is remembered."""


class WorkQueue:
    """At most one action a key, and in all as many as the API server takes well.

    `clock` in seconds, never stepped; `now` is the time that `after` is of. `wake` is called when
    something is to be looked at although nothing has happened.
    """

    def __init__(
        self,
        limiter: AdaptiveConcurrencyLimiter,
        clock: Callable[[], float] = time.monotonic,
        *,
        now: Callable[[], datetime] = utc_now,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._pace = limiter
        self._clock = clock
        self._wake = wake
        self._ready: dict[ObjectKey, None] = {}
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
        """Have it looked at: in its turn, or after a moment, which replaces one set before."""
        if after is not None:
            self._delays.set(key, after)
        elif isinstance(key, NamespaceKey):
            self._namespaces[key.namespace] = None
        else:
            self._ready[key] = None

    def add_namespaces(self, namespaces: Iterable[str]) -> None:
        """Have all of them looked at."""
        self._namespaces |= dict.fromkeys(namespaces)

    def _add_on_time(self, key: ReconcileKey) -> None:
        """The moment has come. For a namespace that is when somebody is promised to go on."""
        self.add(key)
        if isinstance(key, NamespaceKey):
            self._on_time.add(key.namespace)
        self._wake()

    @property
    def has_keys(self) -> bool:
        """Whether anything but namespaces is to be looked at."""
        return bool(self._ready)

    def next(self) -> ObjectKey | None:
        """What has waited longest to be looked at; it waits no more."""
        key = next(iter(self._ready), None)
        if key is not None:
            del self._ready[key]
        return key

    def namespaces(self, *, only_on_time: bool = False) -> list[str]:
        """Those to be looked at, or those alone where somebody's time has come.

        None whose ledger is being read or written.
        """
        waiting = self._on_time if only_on_time else self._namespaces
        return [each for each in waiting if NamespaceKey(each) not in self._busy]

    @property
    def has_namespaces(self) -> bool:
        """Whether any is to be looked at by now."""
        return any(NamespaceKey(each) not in self._busy for each in self._namespaces)

    def take_namespace(self, namespace: str) -> None:
        """It is being looked at, and waits no more."""
        self._namespaces.pop(namespace, None)
        self._on_time.discard(namespace)

    @property
    def under_way(self) -> int:
        """How many actions are."""
        return len(self._busy)

    def waiting(self) -> dict[Priority, int]:
        """How many wait for room."""
        return {priority: len(queue) for priority, queue in self._waiting.items()}

    def longest_waits(self) -> dict[Priority, float]:
        """Seconds since the one that waits longest was first put off; 0 where nobody waits."""
        now = self._clock()
        return {priority: max(0.0, now - queue.oldest) for priority, queue in self._waiting.items()}

    @property
    def is_behind(self) -> bool:
        """Whether there has been work without room all the time lately."""
        now = self._clock()
        return now < self._behind_until or now >= self._no_room_since + BEHIND_AFTER

    def defers(self, key: ObjectKey) -> bool:
        """Whether it is looked at later: an action of its own is under way, or waits for room.

        Those whose wait may turn out to be urgent are looked at all the same.
        """
        if key in self._busy:
            self._again.add(key)
            return True
        return key in self._waiting[Priority.PROGRESS]

    def admits(self, priority: Priority) -> bool:
        """Whether an action may begin now, with nobody passed over who waits."""
        if priority is Priority.IMMEDIATE:
            return True
        return self._has_room(priority) and not any(
            queue for other, queue in self._waiting.items() if other <= priority
        )

    def begin(self, key: ReconcileKey, priority: Priority) -> None:
        """An action of its own is under way."""
        if not isinstance(key, NamespaceKey):
            self.drop(key)
        self._busy[key] = priority
        if priority in self._throttles:
            self._throttles[priority].begin(self._clock())
        elif priority <= Priority.PROGRESS:
            self._load.add()

    def end(self, key: ReconcileKey) -> None:
        """Its action has ended; it is looked at again if that was asked for meanwhile."""
        priority = self._busy.pop(key)
        if priority in self._throttles:
            self._throttles[priority].end(self._clock(), self._load.rate())
        if not isinstance(key, NamespaceKey) and key in self._again:
            self._again.discard(key)
            self.add(key)

    def put_off(self, key: ObjectKey, namespace: str, priority: Priority) -> None:
        """There is something to do for it, and no room. It keeps its place if it had one."""
        for other, queue in self._waiting.items():
            if other is not priority:
                queue.drop(key)
        self._waiting[priority].put(key, namespace, self._clock())
        self._note_work()

    def is_waiting(self, key: ObjectKey) -> bool:
        """Whether it waits for room."""
        return any(key in queue for queue in self._waiting.values())

    def drop(self, key: ObjectKey) -> None:
        """There is nothing to do for it any more."""
        for queue in self._waiting.values():
            queue.drop(key)
        self._note_work()

    def pop(self) -> ObjectKey | None:
        """Whose turn it is to have room, if there is room; it waits no more."""
        priority = self._next_priority()
        if priority is None or not self._has_room(priority):
            return None
        key = self._waiting[priority].take()
        self._note_work()
        return key

    def wait(self) -> float:
        """Seconds after which there may be room for a key that waits, though nothing happens."""
        priority = self._next_priority()
        return math.inf if priority is None else self._wait_for(priority)

    def _next_priority(self) -> Priority | None:
        """The first that anybody waits in, unless another has had nothing for long."""
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
        """Seconds until an action of that priority may begin."""
        if len(self._busy) >= self._pace.limit:
            return math.inf  # the end of an action wakes the loop
        throttle = self._throttles.get(priority)
        return max(self._pace.pause, throttle.wait(self._clock()) if throttle else 0.0)

    def _note_work(self) -> None:
        """Since when there has been work without room, if there is any."""
        now = self._clock()
        if self._waiting[Priority.PROGRESS]:
            self._no_room_since = min(now, self._no_room_since)
            return
        if now >= self._no_room_since + BEHIND_AFTER:
            self._behind_until = now + BEHIND_FOR
        self._no_room_since = math.inf
