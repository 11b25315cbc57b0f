"""Leader election: of several operators one works, and the others stand by.

docs/decisions/0008-leader-election.md says why this is not `kubernetes.aio.leaderelection`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from .lease_lock import LeaseLock, LeaseLostError
from .transport import ApiError, ConflictError

log = logging.getLogger(__name__)

CANCEL_AGAIN_SECONDS = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Leadership(Protocol):
    """Whether we lead, and who does. `trouble` is why that may be out of date, or ""."""

    @property
    def leads(self) -> bool: ...
    @property
    def leader(self) -> str: ...
    @property
    def trouble(self) -> str: ...

    def fence(self) -> None:
        """Raises FencedError if somebody else may lead by now."""

    async def lead(self, work: Work) -> None:
        """Do the work once it is ours to do, until it ends. Raises LeaseLostError."""


class SoleReplica:
    """There is no other operator, somebody has promised."""

    leads = True
    trouble = ""

    def __init__(self, identity: str) -> None:
        self.leader = identity

    def fence(self) -> None:
        """Nobody else leads."""

    async def lead(self, work: Work) -> None:
        """At once."""
        await work()


class LeaderElector:
    """One of several operators. No error of the API server ends it while it stands by."""

    def __init__(self, lock: LeaseLock) -> None:
        self.leads = False
        self.fence = lock.fence
        self._lock = lock
        self._timings = lock.timings
        self._failure = ""

    @property
    def leader(self) -> str:
        """Whoever holds the lease, as far as we know; "" for nobody."""
        return self._lock.holder or ""

    @property
    def trouble(self) -> str:
        """What the last attempt to read or write the Lease failed with."""
        unread = self._lock.holder is None
        return self._failure or ("the Lease has not been read yet" if unread else "")

    async def lead(self, work: Work) -> None:
        """Wait for the lease, and do the work for as long as we hold it.

        Raises LeaseLostError, after the work was cancelled and has ended; else whatever the work
        raises. The lease is released last: nothing of ours is under way when the next one begins.
        """
        try:
            await self._stand_by()
            log.info("%s leads", self._lock.identity)
            self.leads = True
            await self._work(work)
        finally:
            self.leads = False
            await self._attempt(self._lock.release)

    async def _stand_by(self) -> None:
        told = ""
        while not await self._attempt(self._lock.take):
            if self.leader not in ("", told):
                told = self.leader
                log.info("%s stands by: %s leads", self._lock.identity, told)
            await asyncio.sleep(self._timings.retry)

    async def _work(self, work: Work) -> None:
        # In this order: kopf ends by force whatever tasks are younger than itself.
        renewing = asyncio.create_task(self._renew())
        working = asyncio.create_task(work())
        try:
            await asyncio.wait((renewing, working), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(working)
            await end(renewing)
        for task in (renewing, working):
            if not task.cancelled():
                task.result()

    async def _renew(self) -> None:
        """Until the lease is lost."""
        while True:
            await asyncio.sleep(self._timings.retry)
            await self._try_to_renew()
            silent = self._lock.silent
            if silent >= self._timings.deadline:
                raise LeaseLostError(f"it was not renewed for {silent:.1f} s: {self._failure}")

    async def _try_to_renew(self) -> None:
        """Before the deadline is looked at: after a pause of the whole process the lease may be
        ours still, as nobody has wanted it. A pause within the attempt calls for another one: the
        attempt has timed out, or renewed the lease as of a time before the pause.
        """
        paused = True
        while paused:
            before = self._lock.silent
            await self._attempt(self._lock.renew)
            paused = self._lock.silent - before > self._timings.patience

    async def _attempt(self, step: Callable[[], Awaitable[bool | None]]) -> bool:
        """Whether `step` says so; not if the API server refuses, is slow or can't be reached."""
        failure, done = "", False
        try:
            async with asyncio.timeout(self._timings.patience):
                done = bool(await step())
        except ConflictError:
            log.debug("somebody was faster: the next look shows who")
        except TimeoutError:
            failure = f"no answer within {self._timings.patience:g} s"
        except ApiError as error:
            failure = str(error)
        if failure and not self._failure:
            log.warning("the Lease can't be read or written: %s", failure)
        elif self._failure and not failure:
            log.info("the Lease can be read and written again")
        self._failure = failure
        return done


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel, and wait for them to have ended, however they do."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        # Once may not do: Python 3.11's wait_for drops a cancellation that meets its result.
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)
