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
from functools import partial
from typing import Any, TypeVar

from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.lister import Listing
from imagejob_operator.cache.memory_budget import Room
from imagejob_operator.cache.reconcile_key import Subject, Tenancy
from imagejob_operator.cache.reflector import Reflectors
from imagejob_operator.config.platform import Caps, Platform
from imagejob_operator.imagejob.decide import Memory
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.transport import ApiError
from imagejob_operator.observability.snapshot import Snapshot
from imagejob_operator.scheduling.namespace_registry import Tenants
from imagejob_operator.scheduling.wait_estimates import Foresight
from imagejob_operator.workqueue.batch_window import Rhythm
from imagejob_operator.workqueue.delays import Timers
from imagejob_operator.workqueue.queue import Agenda, Lane

from .cache_full import Shortages
from .ledgers import Ledgers
from .quota_status import QuotaReports
from .reconciler import Action, Step, Steps
from .scheduler import Dispatcher
from .snapshot import Observed
from .writers import Actions

log = logging.getLogger(__name__)

LOOKS = 64
"""How much is looked at in one turn: some ten milliseconds. Then quotas have theirs."""

RELIST = timedelta(minutes=10)
"""Whatever a watch has kept from us, and nobody foresaw, shows by then."""

BEAT = 5.0
"""Seconds: the loop turns at least so often, and says so, even if nothing happens."""

R = TypeVar("R")

RETRY = timedelta(seconds=2)
"""After the API server said no, or nothing."""


class Engine:
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
        tell: Callable[[bytes], None],
        namespace_memory: int | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._clock = clock
        self._picture = picture = Picture(Room(namespace_memory))
        self._memories: dict[str, Memory] = {}
        self._timers = Timers(self._ring, clock)
        self._wake = asyncio.Event()
        self._listing = listing = Listing(cluster, picture, self._wake.set)
        self._reflectors = Reflectors(cluster, listing, self._wake.set)
        actions = Actions(
            cluster, picture, self._memories, instance=instance, tell=tell, clock=clock
        )
        self._shortages = Shortages(
            cluster, listing, picture, instance=instance, clock=clock, wake=self._wake.set
        )
        self._ledgers = Ledgers(cluster, listing, namespace=namespace, clock=clock)
        self._agenda = Agenda(cluster.pace)
        foresight = Foresight(picture, self._timers.set, self._agenda.has_put_off)
        self._tenants = Tenants(picture, caps, clock)
        self._dispatcher = Dispatcher(
            picture,
            self._tenants,
            self._ledgers,
            foresight,
            self._memories,
            platform,
            caps,
            clock,
        )
        reports = QuotaReports(cluster, picture, self._tenants, clock, self._timers.set)
        self._steps = Steps(
            picture,
            self._tenants,
            actions,
            reports,
            self._memories,
            platform,
            clock,
            self._timers.set,
        )
        self._rhythm = Rhythm()
        self.metrics = cluster.metrics
        self._observed = Observed(
            picture, self._memories, self._tenants, self._agenda, cluster.pace, caps
        )
        self.beat = time.monotonic()
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
        tenants = await self._persist(partial(self._ledgers.read_all, self._tenants.of))
        async with asyncio.TaskGroup() as tasks:
            self._reflectors.start(tasks)
            await self._reflectors.current()
            for tenant in tenants:
                self._tenants.adopted(tenant)
            self.listed = True
            jobs, workers = len(self._picture.jobs), len(self._picture.workers)
            log.info("going on with %d unfinished ImageJobs and %d worker Jobs", jobs, workers)
            tasks.create_task(self._relist_regularly())
            tasks.create_task(self._shortages.look_after())
            while True:
                self.beat = time.monotonic()
                if not self.unwatched:
                    self._take_turn(tasks)
                with suppress(TimeoutError):  # (wait_for may drop a cancellation, in Python 3.11)
                    async with asyncio.timeout(self._wait()):
                        await self._wake.wait()
                self._wake.clear()

    def _wait(self) -> float:
        """Seconds until there is something to do, if nothing happens before."""
        if self.unwatched:
            return BEAT
        pause = self._rhythm.wait if self._tenants.is_touched else BEAT
        return min(BEAT, pause, self._agenda.wait())

    def _take_turn(self, tasks: asyncio.TaskGroup) -> None:
        """Look at what was touched, then at the namespaces, and begin what there is room for.

        However much there is to write, quotas are kept an eye on: admissions come on time.
        """
        for namespace, name in self._picture.met():
            self._tenants.of(namespace).end(name)
        for _ in range(LOOKS):
            subject = self._picture.next_touched()
            if subject is None:
                break
            self._look_at(tasks, subject)
        self._look_at_namespaces(tasks)
        while (waiting := self._agenda.next_put_off()) is not None:
            self._look_at(tasks, waiting, has_room=True)
        if self._picture.is_touched:
            self._wake.set()

    def _look_at_namespaces(self, tasks: asyncio.TaskGroup) -> None:
        """All that were touched, or, between two times, those whose time has come."""
        began, behind, between = time.monotonic(), self._agenda.is_behind, self._rhythm.wait > 0
        namespaces = self._tenants.touched(only_due=between)
        held = self._rhythm.held(namespaces) if behind else ()
        chosen = [
            each for each in namespaces if each not in held or self._tenants.fills_a_worker(each)
        ]
        actions = self._dispatcher.next_actions(
            chosen,
            is_thrifty=behind,
            only_charge=between and self._tenants.are_others_in_line(chosen),
        )
        for tenancy, action in actions:
            self._start(tasks, tenancy, Step(action, tenancy.namespace, Lane.AT_ONCE))
        if namespaces:
            self._rhythm.looked_at(chosen, began)

    def _look_at(
        self, tasks: asyncio.TaskGroup, subject: Subject, *, has_room: bool = False
    ) -> None:
        if self._agenda.defers(subject):
            return
        step = self._steps.next_for(subject)
        if not step:
            self._agenda.drop(subject)
        elif has_room or self._agenda.admits(step.lane):
            self._start(tasks, subject, step)
        else:
            self._agenda.put_off(subject, step.namespace, step.lane)

    def _start(self, tasks: asyncio.TaskGroup, subject: Subject, step: Step) -> None:
        self._agenda.begin(subject, step.lane)
        tasks.create_task(self._apply(subject, step.action))

    async def _apply(self, subject: Subject, action: Action) -> None:
        try:
            await action()
        except ApiError as error:
            log.warning("will try again: %s", error)
            self._timers.set(subject, self._clock() + max(RETRY, error.retry_after))
        finally:
            if self._agenda.end(subject):
                self._picture.touch(subject)
            self._wake.set()

    def _ring(self, subject: Subject) -> None:
        if isinstance(subject, Tenancy):
            # On time, whatever else there is to look at.
            self._tenants.touch(subject.namespace, is_due=True)
        else:
            self._picture.touch(subject)
        self._wake.set()

    async def _relist_regularly(self) -> None:
        while True:
            await asyncio.sleep(RELIST.total_seconds())
            await self._persist(self._listing.everything)
            self._wake.set()

    async def _persist(self, reading: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """However long the API server takes; a right may be still to come, too."""
        while True:
            try:
                return await reading()
            except ApiError as error:
                log.warning("can't list, will try again: %s", error)
                await asyncio.sleep(RETRY.total_seconds())
