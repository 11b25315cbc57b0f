"""The loop: observe, decide, apply.

Lists and watches update the cache; each key they enqueue is decided by a pure function, and its one
action is applied. A key (an ImageJob by UID, a worker Job by namespace and name) has at most one
action in progress, and every answer of the API server goes into the cache before the next decision,
so that a decision never undoes what we have just written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import WATCHED, Lister
from imagejob_operator.cache.memory_budget import MemoryBudget
from imagejob_operator.cache.reconcile_key import ObjectKey, ReconcileKey
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.kube.reflector import RETRY, Reflectors
from imagejob_operator.observability.snapshot import Snapshot
from imagejob_operator.quota.wait_queue import in_turns
from imagejob_operator.workqueue.priority import Priority
from imagejob_operator.workqueue.queue import WorkQueue

from .cache_full import CacheFullReporter
from .containment import Containment
from .job_histories import JobHistories
from .job_writer import JobWriter
from .ledger_rebuilder import LedgerRebuilder
from .ledgers import Ledgers
from .namespace_registry import NamespaceRegistry
from .planning_rounds import PlanningRounds
from .quota_status import ImageQuotaStatusWriter
from .reconciler import Action, Reconciler, WorkItem
from .scheduler import Scheduler
from .snapshot import Observed
from .status_writer import StatusWriter
from .wait_estimator import WaitEstimator

log = logging.getLogger(__name__)

LOOKS, LAST_LOOKS = 64, 8
"""Keys to reconcile per turn, about ten milliseconds, then namespaces are planned; and keys that
nobody waits for, so few that what arrives meanwhile is not delayed."""

RELIST = timedelta(minutes=10)
"""The interval of full lists, which find anything that a watch has missed."""

TICK = 5.0
"""Seconds: the loop runs at least this often, to show that it is alive."""

R = TypeVar("R")


class Manager:
    """Reconciles every unfinished ImageJob of the cluster.

    `namespace` is the operator's own, which has the ledgers. `write_audit` takes one audit line per
    call, and has flushed it when it returns. `namespace_memory` is the memory budget per namespace
    in bytes.

    `last_tick` is when the loop last ran, in seconds of time.monotonic(), and `listed` whether the
    initial lists are complete. Nothing is decided while a kind is `unwatched`: a missing object may
    exist. `metrics` counts events.
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
        self._wake = asyncio.Event()
        wake, timings = self._wake.set, platform.timings
        self._queue = queue = WorkQueue(cluster.limiter, now=clock, wake=wake)
        self._cache = cache = ClusterCache(MemoryBudget(namespace_memory), queue.add)
        self._lister = lister = Lister(cluster, cache, wake)
        self._reflectors = Reflectors(WATCHED, cluster, lister, wake)
        self._registry = registry = NamespaceRegistry(cache, queue, caps, timings, clock)
        self._cache_full = CacheFullReporter(
            cluster, lister, cache, queue, instance=instance, clock=clock, wake=wake
        )
        self._ledgers = ledgers = Ledgers(cluster, lister, namespace=namespace, clock=clock)
        histories, estimator = JobHistories(), WaitEstimator(cache, queue, registry)
        self._containment = containment = Containment(cache, queue, cluster.metrics, clock)
        scheduler = Scheduler(
            *(cache, queue, registry, ledgers, estimator, histories),
            *(platform, caps, containment, clock),
        )
        self._rounds = PlanningRounds(queue, registry, scheduler)
        status_writer = StatusWriter(
            cluster,
            cache,
            queue,
            histories,
            instance=instance,
            write_audit=write_audit,
            clock=clock,
        )
        self._reconciler = Reconciler(
            cache,
            queue,
            registry,
            status_writer,
            JobWriter(cluster, lister, cache, queue, registry.ledgers, histories, timings, clock),
            ImageQuotaStatusWriter(cluster, cache, queue, registry, clock),
            LedgerRebuilder(ledgers, registry.ledgers),
            histories,
            platform,
            clock,
        )
        self.metrics = cluster.metrics
        self._observed = Observed(cache, histories, registry, queue, cluster.limiter, caps)
        self.last_tick = time.monotonic()
        self.listed = False

    def snapshot(self) -> Snapshot:
        """Return the state for metrics, consistent between two awaits."""
        return self._observed.snapshot(self._clock())

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The kinds that are not listed or not watched, by their plurals."""
        return self._reflectors.unwatched

    async def run(self) -> None:
        """Run until cancelled. An unexpected exception that is not one key's ends it, and the
        process."""
        # Ledgers first: each is used only with objects that were listed after it.
        ledgers = await self._persist(self._ledgers.read_all)
        async with asyncio.TaskGroup() as tasks:
            self._reflectors.start(tasks)
            await self._reflectors.current()
            self._registry.ledgers.listed(ledgers)
            self._arrange_keys()
            self._reconciler.give_up_silent_pods()
            self.listed = True
            jobs, workers = len(self._cache.jobs), len(self._cache.workers)
            log.info("reconciling %d unfinished ImageJobs and %d worker Jobs", jobs, workers)
            tasks.create_task(self._relist_regularly())
            tasks.create_task(self._cache_full.look_after())
            while True:
                self.last_tick = time.monotonic()
                if not self.unwatched:
                    self._take_turn(tasks)
                await asyncio.sleep(0)  # watches and probes have a turn, too, if keys are left
                with suppress(TimeoutError):  # (Python 3.11's wait_for may drop a cancellation)
                    async with asyncio.timeout(self._wait()):
                        await self._wake.wait()
                self._wake.clear()

    def _arrange_keys(self) -> None:
        """Let ImageJobs be reconciled in the order in which they continue, namespaces in turn.

        Lists have them by name, and a namespace is planned before all of many are reconciled.
        """
        keys: list[ObjectKey] = list(iter(self._queue.next, None))
        jobs = in_turns(self._cache.jobs.get(key) for key in keys if isinstance(key, str))
        arranged = dict.fromkeys(job.metadata.uid for job in jobs)
        for key in keys:
            if key not in arranged:
                self._queue.add(key)
        for uid in arranged:
            self._queue.add(uid)

    def _wait(self) -> float:
        """Return the seconds until the next turn, if nothing happens before."""
        if self.unwatched:
            return TICK
        pause = self._rounds.wait if self._queue.has_namespaces else TICK
        return min(TICK, pause, self._queue.wait())

    def _take_turn(self, tasks: asyncio.TaskGroup) -> None:
        """Reconcile enqueued keys, then plan namespaces, then start what there is capacity for.

        Namespaces are planned however much there is to write: admissions are on time. Whatever
        nobody waits for comes last.
        """
        for namespace, name in self._cache.met():
            self._registry.ledgers.retire(namespace, name)
        self._look_at_next(tasks, partial(self._queue.next, only_awaited=True), LOOKS)
        for key, action in self._rounds.next_actions():
            self._start(tasks, key, WorkItem(action, key.namespace, Priority.IMMEDIATE))
        self._look_at_next(tasks, self._queue.pop, LOOKS, has_room=True)
        self._look_at_next(tasks, self._queue.next, LAST_LOOKS)
        if self._queue.has_keys:
            self._wake.set()

    def _look_at_next(
        self,
        tasks: asyncio.TaskGroup,
        dequeue: Callable[[], ObjectKey | None],
        most: int,
        *,
        has_room: bool = False,
    ) -> None:
        for _ in range(most):
            key = dequeue()
            if key is None:
                return
            self._look_at(tasks, key, has_room=has_room)

    def _look_at(self, tasks: asyncio.TaskGroup, key: ObjectKey, *, has_room: bool = False) -> None:
        if self._queue.defers(key):
            return
        step = self._containment.call(key, partial(self._reconciler.next_for, key))
        if not step:
            self._queue.drop(key)
        elif has_room or self._queue.admits(step.priority):
            self._start(tasks, key, step)
        else:
            self._queue.put_off(key, step.namespace, step.priority)

    def _start(self, tasks: asyncio.TaskGroup, key: ReconcileKey, step: WorkItem) -> None:
        self._queue.begin(key, step.priority)
        tasks.create_task(self._apply(key, step.action))

    async def _apply(self, key: ReconcileKey, action: Action) -> None:
        try:
            await self._containment.act(key, action)
        finally:
            self._queue.end(key)
            self._wake.set()

    async def _relist_regularly(self) -> None:
        while True:
            await asyncio.sleep(RELIST.total_seconds())
            await self._persist(self._lister.everything)
            self._wake.set()

    async def _persist(self, reading: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Retry reading until it succeeds; permissions may be granted late, too."""
        failures, is_told = 0, False
        while True:
            try:
                return await reading()
            except ApiError as error:
                failures += 1
                if not (is_told or error.is_outage):
                    log.warning("cannot list, will retry: %s", error)
                    is_told = True
                pause = max(RETRY.pause(failures), error.retry_after)
                await asyncio.sleep(pause.total_seconds())
