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
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from .actions import STALE, Actions
from .agenda import Agenda
from .cluster import Cluster
from .domain.lifecycle import Inquire, Memory, Replace, WriteStatus, decide
from .domain.picture import Picture
from .domain.platform import Caps, Platform
from .domain.subjects import Key, QuotaOf, Subject, Tenancy, Thing
from .foresight import Foresight
from .ledgers import Ledgers
from .listing import Listing
from .reports import QuotaReports
from .tenants import Tenants
from .timers import Timers
from .transport import ApiError

log = logging.getLogger(__name__)

Action = Callable[[], Coroutine[Any, Any, None]]

CONCURRENCY = 32
"""Actions for ImageJobs under way at once."""

LOOKS = 256
"""How much is looked at in one turn: some tens of milliseconds."""

RELIST_SOON = timedelta(seconds=10)
"""After start: closes the gap between our first list and the beginning of kopf's watches."""

RELIST = timedelta(minutes=10)
"""Whatever a broken watch has kept from us shows by then."""

LINGER = 2 * STALE
"""A worker that has ended keeps its name for so long: whoever else has decided to create it, and
was held up, meets it, or finds that the decision is stale."""

BEAT = 5.0
"""Seconds: the loop turns at least so often, and says so, even if nothing happens."""

RETRY = timedelta(seconds=2)
"""After the API server said no, or nothing."""


def utc_now() -> datetime:
    """The clock of every decision."""
    return datetime.now(UTC)


class Engine:
    """Reconciles every unfinished ImageJob of the cluster.

    `namespace` is the operator's own, which keeps the ledgers. `tell` takes the audit lines, one a
    call, and has put each out when it returns.

    `beat` is when the loop last turned, in seconds of time.monotonic(), and `listed` whether the
    engine knows what is in the cluster.
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
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._platform = platform
        self._clock = clock
        self._picture = picture = Picture()
        self._memories: dict[str, Memory] = {}
        self._timers = Timers(self._ring, clock)
        self._listing = listing = Listing(cluster, picture)
        self._actions = Actions(
            cluster, picture, self._memories, instance=instance, tell=tell, clock=clock
        )
        self._ledgers = Ledgers(cluster, listing, namespace=namespace, clock=clock)
        foresight = Foresight(picture, self._timers.set)
        self._tenants = Tenants(
            picture, self._ledgers, foresight, self._memories, platform, caps, clock
        )
        self._reports = QuotaReports(cluster, picture, self._tenants, clock, self._timers.set)
        self._agenda = Agenda(CONCURRENCY)
        self._wake = asyncio.Event()
        self.beat = time.monotonic()
        self.listed = False

    def see(self, thing: Thing) -> None:
        """The watch says that an object is as `thing`."""
        self._picture.see(thing)
        self._wake.set()

    def lose(self, thing: Thing) -> None:
        """The watch says that an object has left our view."""
        self._listing.lose(thing)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. An error that nobody foresaw ends it, and with it the process."""
        await self._persist(self._list_at_start)
        self.listed = True
        jobs, workers = len(self._picture.jobs), len(self._picture.workers)
        log.info("going on with %d unfinished ImageJobs and %d worker Jobs", jobs, workers)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relist_regularly())
            while True:
                self.beat = time.monotonic()
                self._take_turn(tasks)
                with suppress(TimeoutError):  # (wait_for may drop a cancellation, in Python 3.11)
                    async with asyncio.timeout(BEAT):
                        await self._wake.wait()
                self._wake.clear()

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
        for tenancy, action in self._tenants.next_actions():
            self._start(tasks, tenancy, action)
        while (waiting := self._agenda.next_put_off()) is not None:
            self._look_at(tasks, waiting)
        if self._picture.is_touched:
            self._wake.set()

    def _look_at(self, tasks: asyncio.TaskGroup, subject: Subject) -> None:
        if self._agenda.defers(subject):
            return
        action = self._consider(subject)
        if not action:
            self._agenda.drop(subject)
        elif self._agenda.has_room or isinstance(subject, tuple):  # a worker's name: never wait
            self._start(tasks, subject, action)
        else:
            self._agenda.put_off(subject)  # and look again then: much may have happened

    def _start(self, tasks: asyncio.TaskGroup, subject: Subject, action: Action) -> None:
        self._agenda.begin(subject)
        tasks.create_task(self._apply(subject, action))

    def _consider(self, subject: Subject) -> Action | None:
        match subject:
            case Tenancy(namespace):
                self._tenants.touch(namespace)
                return None
            case QuotaOf(namespace):
                return self._reports.consider(namespace)
            case (_, _):
                return self._consider_worker(subject)
            case str():
                return self._consider_job(subject)

    def _consider_worker(self, at: Key) -> Action | None:
        tenant = self._tenants.of(at[0])
        worker = self._picture.workers.get(at)
        if not worker:
            self._tenants.touch_all_in_line()
            composed = tenant.composed.get(at[1])
            return partial(self._actions.create, tenant, composed) if composed else None
        self._tenants.touch_all_in_line()
        self._picture.touch(QuotaOf(at[0]))
        if not worker.items or worker.is_deleting or self._picture.is_needed(worker):
            return None
        ended_at = self._picture.ended_at(worker)
        if ended_at and self._clock() < ended_at + LINGER:
            self._timers.set(at, ended_at + LINGER)
            return None
        return partial(self._actions.tidy, worker)

    def _consider_job(self, uid: str) -> Action | None:
        if uid in self._picture.suspects:
            return partial(self._actions.verify, uid)
        situation = self._picture.situation(uid)
        if not situation:
            self._memories.pop(uid, None)
            self._tenants.leave(uid)
            return None

        place = self._tenants.place_of(situation.job)
        if situation.worker and not place.admitted_at:
            # Somebody else has charged it: nothing is told of it before that is known.
            if not self._tenants.look_up_charge(situation.job, situation.worker.job):
                return None
            place = self._tenants.place_of(situation.job)
        situation = msgspec.structs.replace(situation, place=place)
        memory = self._memories.get(uid, Memory())
        decision = decide(situation, memory, self._platform, self._clock())
        self._memories[uid] = decision.memory
        self._tenants.line_up(situation.job, decision.standing.wish)
        if decision.look_again:
            self._timers.set(uid, decision.look_again)
        match decision.action:
            case WriteStatus() as write:
                return partial(self._actions.write_status, write)
            case Inquire() as inquire:
                return partial(self._actions.inquire, inquire)
            case Replace() as replace:
                return partial(self._actions.replace, replace)
            case None:
                return None

    async def _apply(self, subject: Subject, action: Action) -> None:
        try:
            await action()
        except ApiError as error:
            log.warning("will try again: %s", error)
            self._timers.set(subject, self._clock() + RETRY)
        finally:
            if self._agenda.end(subject):
                self._picture.touch(subject)
            self._wake.set()

    def _ring(self, subject: Subject) -> None:
        if isinstance(subject, Tenancy):
            self._tenants.touch(subject.namespace)  # on time, whatever else there is to look at
        else:
            self._picture.touch(subject)
        self._wake.set()

    async def _relist_regularly(self) -> None:
        delay = RELIST_SOON
        while True:
            await asyncio.sleep(delay.total_seconds())
            await self._persist(self._listing.everything)
            self._wake.set()
            delay = RELIST

    async def _list_at_start(self) -> None:
        """Ledgers first: each is used only with a picture that was read after it."""
        tenants = await self._ledgers.read_all(self._tenants.of)
        await self._listing.everything()
        for tenant in tenants:
            self._tenants.adopted(tenant)

    async def _persist(self, listing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """However long the API server takes; a CRD or a right may be still to come, too."""
        while True:
            try:
                await listing()
            except ApiError as error:
                log.warning("can't list, will try again: %s", error)
                await asyncio.sleep(RETRY.total_seconds())
            else:
                return
