"""The operator's reconciler in a world where nothing happens but that time goes by.

What it decides to write is never written, so only its own timers make it look again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import NamespaceKey, ObjectKey, ReconcileKey
from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.controllers.namespace_registry import NamespaceRegistry
from imagejob_operator.controllers.reconciler import Reconciler, WorkItem
from imagejob_operator.imagejob.decide import WriteStatus
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.workqueue.queue import WorkQueue

from support.api_objects import NOW, PLATFORM, store
from support.observing import CAPS, RATES
from support.timings import TIMINGS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from imagejob_operator.api.imagejob import ImageJob
    from imagejob_operator.cache.reconcile_key import WatchedObject


class TimedQueue(WorkQueue):
    """`times` has when each key is to be looked at; a new time replaces the one before."""

    def __init__(self) -> None:
        super().__init__(AdaptiveConcurrencyLimiter())
        self.times: dict[ReconcileKey, datetime] = {}

    def add(self, key: ReconcileKey, *, after: datetime | None = None) -> None:
        if after is None:
            super().add(key)
        elif not isinstance(key, NamespaceKey):
            self.times[key] = after


class Unwritten:
    """Every writer; none of its actions is ever carried out."""

    are_events_many = False

    def has_events(self, _uid: str) -> bool:
        return False

    def consider(self, _namespace: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return partial(_never, name)


async def _never(name: str, *_: object) -> None:
    raise AssertionError(f"{name} was carried out")


class Clockwork:
    """A reconciler with a cache. `answers` has what it decided last for each key."""

    def __init__(self, *charged: ImageJob) -> None:
        self.now = NOW
        self.queue = TimedQueue()
        self.cache = ClusterCache(enqueue=self.queue.add)
        self.cache.upsert(store())
        self.registry = NamespaceRegistry(self.cache, self.queue, CAPS, TIMINGS, lambda: self.now)
        ledger = Ledger(0).at(NOW, RATES).charge([job.metadata.uid for job in charged])
        self.registry.of("team-a").load(ledger, "1")
        writer: Any = Unwritten()
        self.reconciler = Reconciler(
            self.cache,
            self.queue,
            self.registry,
            *(writer, writer, writer, writer),
            JobHistories(),
            PLATFORM,
            lambda: self.now,
        )
        self.answers: dict[ObjectKey, Any] = {}

    def upsert(self, *things: WatchedObject) -> Clockwork:
        for thing in things:
            self.cache.upsert(thing)
        return self.settle()

    def remove(self, *things: WatchedObject) -> Clockwork:
        for thing in things:
            self.cache.remove(thing)
        self.cache.unverified.clear()
        return self.settle()

    def settle(self) -> Clockwork:
        """Look at all that is to be looked at by now. The planner does no more than have those who
        wait looked at once they are in line."""
        while True:
            while (key := self.queue.next()) is not None:
                self.answers[key] = answer(self.reconciler.next_for(key))
            if not self.queue.namespaces():
                return self
            for namespace in self.queue.namespaces():
                self.queue.take_namespace(namespace)
                state = self.registry.of(namespace)
                for uid in (*state.throttled, *state.queued):
                    self.queue.add(uid)

    def advance(self, to: datetime) -> Clockwork:
        """Let time go by: each key is looked at when the reconciler has said."""
        while self.queue.times:
            key, at = min(self.queue.times.items(), key=lambda item: item[1])
            if at > to:
                break
            self.now = max(self.now, at)
            del self.queue.times[key]
            self.queue.add(key)
            self.settle()
        self.now = max(self.now, to)
        return self

    def touch(self, keys: Iterable[ObjectKey]) -> Clockwork:
        """Have these looked at again, as if somebody had changed something of no importance."""
        for key in keys:
            self.queue.add(key)
        return self.settle()

    @property
    def busy(self) -> list[str]:
        """The workers that take a slot."""
        return sorted(each.job.metadata.name for each in self.cache.live_workers("team-a"))


def answer(item: WorkItem | None) -> Any:
    """What is to be done, but for times."""
    if item is None:
        return None
    action: Any = item.action
    if not isinstance(action, partial):
        return action
    name, *arguments = (
        (*action.args,) if action.func is _never else (action.func.__name__, *action.args)
    )
    return name, [_essence(each) for each in arguments]


def _essence(argument: object) -> Any:
    if isinstance(argument, WriteStatus):
        status = argument.status
        ready = next(each for each in status.conditions if each.type == "Ready")
        return status.phase, ready.reason, ready.message, status.disruptions
    return type(argument).__name__
