"""The loop: observe → decide → apply.

Messages feed the picture; whatever they touch is decided again, by a pure function, and the one
action that comes of it is applied. A subject (an ImageJob by UID, a worker Job by namespace and
name) has at most one action under way, and every answer of the API server goes into the picture
before the next decision, so that what we have just written is never undone by what we had not yet
heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from .actions import Actions
from .cluster import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_STORES,
    PODS,
    WORKER_JOBS,
    Cluster,
    Snapshot,
)
from .domain.lifecycle import Dispatch, Memory, WriteStatus, decide
from .domain.mirror import Mirror
from .domain.model import ImageJob
from .domain.picture import Key, Picture, Thing
from .domain.platform import Platform
from .transport import ApiError

log = logging.getLogger(__name__)

Subject = str | Key
"""The UID of an ImageJob, or the namespace and name of a worker Job."""

CONCURRENCY = 32
"""Actions under way at once."""

RELIST_SOON = timedelta(seconds=10)
"""After start: closes the gap between our first list and the beginning of kopf's watches."""

RELIST = timedelta(minutes=10)
"""Whatever a broken watch has kept from us shows by then."""

RETRY = timedelta(seconds=2)
"""After the API server said no, or nothing."""


def utc_now() -> datetime:
    """The clock of every decision."""
    return datetime.now(UTC)


class Engine:
    """Reconciles every unfinished ImageJob of the cluster.

    `tell` takes the audit lines, one a call, and has put each out when it returns.
    """

    def __init__(
        self,
        cluster: Cluster,
        platform: Platform,
        *,
        instance: str,
        tell: Callable[[bytes], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._cluster = cluster
        self._platform = platform
        self._clock = clock
        self._picture = Picture()
        self._memories: dict[str, Memory] = {}
        self._actions = Actions(
            cluster,
            self._picture,
            self._memories,
            platform,
            instance=instance,
            tell=tell,
            clock=clock,
        )
        self._timers: dict[Subject, asyncio.TimerHandle] = {}
        self._busy: set[Subject] = set()
        self._again: set[Subject] = set()
        self._wake = asyncio.Event()
        self._listed_at = 0

    def see(self, thing: Thing) -> None:
        """The watch says that an object is as `thing`."""
        self._picture.see(thing)
        self._wake.set()

    def lose(self, thing: Thing) -> None:
        """The watch says that an object has left our view.

        An ImageJob leaves it by finishing as well as by deletion. Unless our own write explains it,
        we ask the API server which it was.
        """
        if isinstance(thing, ImageJob):
            self._picture.suspect(thing.metadata.uid)
        else:
            self._picture.lose(thing)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. An error that nobody foresaw ends it, and with it the process."""
        await self._relist()
        jobs, workers = len(self._picture.jobs), len(self._picture.workers)
        log.info("going on with %d unfinished ImageJobs and %d worker Jobs", jobs, workers)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relist_regularly())
            while True:
                self._take_turn(tasks)
                await self._wake.wait()
                self._wake.clear()

    def _take_turn(self, tasks: asyncio.TaskGroup) -> None:
        """Start as many actions as there is room for."""
        while len(self._busy) < CONCURRENCY:
            subject = self._picture.next_touched()
            if subject is None:
                return
            if subject in self._busy:
                self._again.add(subject)
                continue
            action = self._consider(subject)
            if action:
                self._busy.add(subject)
                tasks.create_task(self._apply(subject, action))

    def _consider(self, subject: Subject) -> Coroutine[Any, Any, None] | None:
        if isinstance(subject, tuple):
            worker = self._picture.workers.get(subject)
            if not worker or not worker.items or worker.is_deleting:
                return None
            return None if self._picture.is_needed(worker) else self._actions.tidy(worker)
        if subject in self._picture.suspects:
            return self._actions.verify(subject)
        situation = self._picture.situation(subject)
        if not situation:
            self._memories.pop(subject, None)
            return None

        memory = self._memories.get(subject, Memory())
        decision = decide(situation, memory, self._platform, self._clock())
        self._memories[subject] = decision.memory
        if decision.look_again:
            self._look_again(subject, decision.look_again - self._clock())
        match decision.action:
            case Dispatch() as dispatch:
                return self._actions.dispatch(dispatch)
            case WriteStatus() as write:
                return self._actions.write_status(write)
            case None:
                return None

    async def _apply(self, subject: Subject, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except ApiError as error:
            log.warning("will try again: %s", error)
            self._look_again(subject, RETRY)
        finally:
            self._busy.discard(subject)
            if subject in self._again:
                self._again.discard(subject)
                self._picture.touch(subject)
            self._wake.set()

    def _look_again(self, subject: Subject, delay: timedelta) -> None:
        known = self._timers.pop(subject, None)
        if known:
            known.cancel()
        loop = asyncio.get_running_loop()
        self._timers[subject] = loop.call_later(delay.total_seconds(), self._ring, subject)

    def _ring(self, subject: Subject) -> None:
        self._timers.pop(subject, None)
        self._picture.touch(subject)
        self._wake.set()

    async def _relist_regularly(self) -> None:
        delay = RELIST_SOON
        while True:
            await asyncio.sleep(delay.total_seconds())
            await self._relist()
            delay = RELIST

    async def _relist(self) -> None:
        """Replace the picture by what the API server says, however long it takes to say it."""
        while True:
            try:
                await self._list_everything()
            except ApiError as error:  # a CRD or a right that is still to come, too
                log.warning("can't list, will try again: %s", error)
                await asyncio.sleep(RETRY.total_seconds())
            else:
                self._wake.set()
                return

    async def _list_everything(self) -> None:
        # Workers before ImageJobs: an unfinished ImageJob is older than its worker, so none that a
        # listed worker carries can be missing from the later list, and none looks like an orphan.
        picture, cluster = self._picture, self._cluster
        before = self._listed_at
        self._take(picture.stores, await cluster.list_all(IMAGE_STORES), before)
        self._take(picture.profiles, await cluster.list_all(IMAGE_PROFILES), before)
        self._take(picture.workers, await cluster.list_all(WORKER_JOBS), before)
        self._take(picture.pods, await cluster.list_all(PODS), before)
        jobs = await cluster.list_all(IMAGE_JOBS)
        self._take(picture.jobs, jobs, before)
        self._listed_at = jobs.version

    def _take(self, mirror: Mirror[Any, Any], snapshot: Snapshot[Any], before: int) -> None:
        for thing in snapshot.items:
            self._picture.see(thing)
        for thing in mirror.absent_from(snapshot.items, snapshot.version):
            self.lose(thing)
        mirror.forget_left(before)  # no message is as late as the list before this one
