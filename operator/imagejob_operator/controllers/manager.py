"""The loop: observe → decide → apply.

Lists and watches feed the picture; whatever they touch is decided again, by a pure function, and
the one action that comes of it is applied. A subject (an ImageJob by UID, a worker Job by namespace
and name) has at most one action under way, and every answer of the API server goes into the picture
before the next decision, so that what we have just written is never undone by what we had not yet
heard.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.memory_budget import MemoryBudget
from imagejob_operator.cache.reconcile_key import NamespaceKey, ReconcileKey
from imagejob_operator.cache.reflector import Reflectors
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.transport import ApiError
from imagejob_operator.observability.snapshot import Snapshot
from imagejob_operator.workqueue.batch_window import BatchWindow
from imagejob_operator.workqueue.delays import Delays
from imagejob_operator.workqueue.queue import Priority, WorkQueue

from .cache_full import CacheFullReporter
from .job_histories import JobHistories
from .job_writer import JobWriter
from .ledgers import Ledgers
from .namespace_registry import NamespaceRegistry
from .quota_status import ImageQuotaStatusWriter
from .reconciler import Action, Reconciler, WorkItem
from .scheduler import Scheduler
from .snapshot import Observed
from .status_writer import StatusWriter
from .wait_estimator import WaitEstimator

log = logging.getLogger(__name__)

LOOKS = 64
"""How much is looked at in one turn: some ten milliseconds. Then quotas have theirs."""

RELIST = timedelta(minutes=10)
"""Whatever a watch has kept from us, and nobody foresaw, shows by then."""

TICK = 5.0
"""Seconds: the loop turns at least so often, and says so, even if nothing happens."""

R = TypeVar("R")

RETRY = timedelta(seconds=2)
"""After the API server said no, or nothing."""


class Manager:
    """Reconciles every unfinished ImageJob of the cluster.

    `namespace` is the operator's own, which keeps the ledgers. `tell` takes the audit lines, one a
    call, and has put each out when it returns. `namespace_memory` is how many bytes of a namespace
    are kept at most.

    `beat` is when the loop last turned, in seconds of time.monotonic(), and `listed` whether the
    engine has come to know what is in the cluster. Nothing is decided while one of the kinds is
    `unwatched`: what is missing may be what we can't see. `metrics` counts what happens.
    """

    def __init__(
        self,
        cluster: Cluster,
        platform: Platform,
        caps: Caps,
        *,
        namespace: str,
        instance: str,
        write_audit: Callable[[bytes], None],
        namespace_memory: int | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._clock = clock
        self._cache = cache = ClusterCache(MemoryBudget(namespace_memory))
        self._histories = JobHistories()
        self._delays = Delays(self._enqueue, clock)
        self._wake = asyncio.Event()
        self._lister = lister = Lister(cluster, cache, self._wake.set)
        self._reflectors = Reflectors(cluster, lister, self._wake.set)
        self._registry = registry = NamespaceRegistry(cache, caps, platform.timings, clock)
        self._cache_full = CacheFullReporter(
            cluster, lister, cache, instance=instance, clock=clock, wake=self._wake.set
        )
        self._ledgers = Ledgers(cluster, lister, namespace=namespace, clock=clock)
        self._queue = WorkQueue(cluster.limiter)
        self._scheduler = Scheduler(
            cache,
            registry,
            self._ledgers,
            WaitEstimator(cache, registry, self._delays.set, self._queue.is_waiting),
            self._histories,
            platform,
            caps,
            clock,
        )
        self._reconciler = Reconciler(
            cache,
            registry,
            StatusWriter(
                cluster,
                cache,
                self._histories,
                instance=instance,
                write_audit=write_audit,
                clock=clock,
            ),
            JobWriter(cluster, cache, registry, self._histories, platform.timings, clock),
            ImageQuotaStatusWriter(cluster, cache, registry, clock, self._delays.set),
            self._histories,
            platform,
            clock,
            self._delays.set,
        )
        self._window = BatchWindow()
        self.metrics = cluster.metrics
        self._observed = Observed(
            cache, self._histories, registry, self._queue, cluster.limiter, caps
        )
        self.last_tick = time.monotonic()
        self.listed = False

    def snapshot(self) -> Snapshot:
        """What metrics show of it. Whole between two awaits."""
        return self._observed.snapshot(self._clock())

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The kinds that are not listed, or not watched, by their plurals."""
        return self._reflectors.unwatched

    async def run(self) -> None:
        """Until cancelled. An error that nobody foresaw ends it, and with it the process."""
        # Ledgers first: each is used only with a picture that was read after it.
        ledgers = await self._persist(self._ledgers.read_all)
        async with asyncio.TaskGroup() as tasks:
            self._reflectors.start(tasks)
            await self._reflectors.current()
            for namespace, stored in ledgers.items():
                self._registry.loaded(namespace, stored)
            self.listed = True
            jobs, workers = len(self._cache.jobs), len(self._cache.workers)
            log.info("going on with %d unfinished ImageJobs and %d worker Jobs", jobs, workers)
            tasks.create_task(self._relist_regularly())
            tasks.create_task(self._cache_full.look_after())
            while True:
                self.last_tick = time.monotonic()
                if not self.unwatched:
                    self._take_turn(tasks)
                with suppress(TimeoutError):  # (wait_for may drop a cancellation, in Python 3.11)
                    async with asyncio.timeout(self._wait()):
                        await self._wake.wait()
                self._wake.clear()

    def _wait(self) -> float:
        """Seconds until there is something to do, if nothing happens before."""
        if self.unwatched:
            return TICK
        pause = self._window.wait if self._registry.has_keys else TICK
        return min(TICK, pause, self._queue.wait())

    def _take_turn(self, tasks: asyncio.TaskGroup) -> None:
        """Look at what was touched, then at the namespaces, and begin what there is room for.

        However much there is to write, quotas are kept an eye on: admissions come on time.
        """
        for namespace, name in self._cache.met():
            self._registry.retire(namespace, name)
        for _ in range(LOOKS):
            key = self._cache.next_key()
            if key is None:
                break
            self._look_at(tasks, key)
        self._look_at_namespaces(tasks)
        while (waiting := self._queue.pop()) is not None:
            self._look_at(tasks, waiting, has_room=True)
        if self._cache.has_keys:
            self._wake.set()

    def _look_at_namespaces(self, tasks: asyncio.TaskGroup) -> None:
        """All that were touched, or, between two times, those whose time has come."""
        began, behind, between = time.monotonic(), self._queue.is_behind, self._window.wait > 0
        namespaces = self._registry.dirty(only_due=between)
        held = self._window.held(namespaces) if behind else ()
        chosen = [
            each for each in namespaces if each not in held or self._registry.fills_a_worker(each)
        ]
        actions = self._scheduler.next_actions(
            chosen,
            is_thrifty=behind,
            only_charge=between and self._registry.are_others_in_line(chosen),
        )
        for key, action in actions:
            self._start(tasks, key, WorkItem(action, key.namespace, Priority.IMMEDIATE))
        if namespaces:
            self._window.looked_at(chosen, began)

    def _look_at(
        self, tasks: asyncio.TaskGroup, key: ReconcileKey, *, has_room: bool = False
    ) -> None:
        if self._queue.defers(key):
            return
        step = self._reconciler.next_for(key)
        if not step:
            self._queue.drop(key)
        elif has_room or self._queue.admits(step.priority):
            self._start(tasks, key, step)
        else:
            self._queue.add(key, step.namespace, step.priority)

    def _start(self, tasks: asyncio.TaskGroup, key: ReconcileKey, step: WorkItem) -> None:
        self._queue.begin(key, step.priority)
        tasks.create_task(self._apply(key, step.action))

    async def _apply(self, key: ReconcileKey, action: Action) -> None:
        try:
            await action()
        except ApiError as error:
            log.warning("will try again: %s", error)
            self._delays.set(key, self._clock() + max(RETRY, error.retry_after))
        finally:
            if self._queue.end(key):
                self._cache.enqueue(key)
            self._wake.set()

    def _enqueue(self, key: ReconcileKey) -> None:
        if isinstance(key, NamespaceKey):
            # On time, whatever else there is to look at.
            self._registry.enqueue(key.namespace, is_due=True)
        else:
            self._cache.enqueue(key)
        self._wake.set()

    async def _relist_regularly(self) -> None:
        while True:
            await asyncio.sleep(RELIST.total_seconds())
            await self._persist(self._lister.everything)
            self._wake.set()

    async def _persist(self, reading: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """However long the API server takes; a right may be still to come, too."""
        while True:
            try:
                return await reading()
            except ApiError as error:
                log.warning("can't list, will try again: %s", error)
                await asyncio.sleep(RETRY.total_seconds())
