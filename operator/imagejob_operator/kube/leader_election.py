"""Leader election: one of several operators works, the others are standbys.

docs/decisions/0008-leader-election.md says why this is not `kubernetes.aio.leaderelection`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from imagejob_operator.observability.logging import fields
from imagejob_operator.observability.trouble import Trouble

from .errors import ApiError, ConflictError
from .lease_lock import LeaseLock, LeaseLostError

log = logging.getLogger(__name__)

CANCEL_AGAIN_SECONDS = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]
Step = Callable[[float], Awaitable[bool | None]]
"""One attempt to take, renew or release the lease, within so many seconds."""


class Leadership(Protocol):
    """Whether we lead, and who leads. `trouble` says why that may be outdated, or is ""."""

    @property
    def leads(self) -> bool: ...
    @property
    def leader(self) -> str: ...
    @property
    def trouble(self) -> str: ...

    def fence(self) -> None:
        """Raise FencedError if another operator may lead by now."""

    async def lead(self, work: Work) -> None:
        """Wait for leadership, then run `work` until it ends. Raises LeaseLostError."""


class SoleReplica:
    """Leadership without election, for an installation with a single operator."""

    leads = True
    trouble = ""

    def __init__(self, identity: str) -> None:
        self.leader = identity

    def fence(self) -> None:
        """Pass: there is no other operator."""

    async def lead(self, work: Work) -> None:
        """Run `work` immediately."""
        await work()


class LeaderElector:
    """One of several operators. While it is a standby, no error of the API server ends it."""

    def __init__(self, lock: LeaseLock) -> None:
        self.leads = False
        self.fence = lock.fence
        self._lock = lock
        self._timings = lock.timings
        self._failure = ""
        self._trouble = Trouble(
            log, "cannot read or write the Lease", "the Lease is readable and writable again"
        )

    @property
    def leader(self) -> str:
        """The identity of the lease's holder, as last observed; "" for none."""
        return self._lock.holder or ""

    @property
    def trouble(self) -> str:
        """Why the last attempt to read or write the Lease failed, or ""."""
        unread = self._lock.holder is None
        return self._failure or ("the Lease has not been read yet" if unread else "")

    async def lead(self, work: Work) -> None:
        """Wait for the lease, and run `work` while we hold it.

        Raises LeaseLostError, after `work` was cancelled and has ended; otherwise whatever `work`
        raises. The lease is released last: none of our work runs when the next leader starts.
        """
        try:
            await self._stand_by()
            log.info("became the leader", extra=fields(identity=self._lock.identity))
            self.leads = True
            await self._work(work)
        finally:
            self.leads = False
            await self._attempt(self._lock.release, self._timings.patience)

    async def _stand_by(self) -> None:
        reported = ""
        while not await self._attempt(self._lock.take, self._timings.deadline):
            if self.leader not in ("", reported):
                reported = self.leader
                identity = self._lock.identity
                log.info("standing by", extra=fields(identity=identity, leader=reported))
            await asyncio.sleep(self._timings.retry)

    async def _work(self, work: Work) -> None:
        # Renewal is started first: kopf cancels all tasks that were started after its own.
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
        """Renew until the lease is lost.

        The interval is between the beginnings of attempts: one that failed slowly is followed by
        another at once.
        """
        now = asyncio.get_running_loop().time
        due = now() + self._timings.retry
        while True:
            await asyncio.sleep(due - now())
            due = now() + self._timings.retry
            await self._try_to_renew()
            silent = self._lock.silent
            if silent >= self._timings.deadline:
                raise LeaseLostError(
                    f"the Lease was not renewed for {silent:.1f} s: {self._failure}"
                )

    async def _try_to_renew(self) -> None:
        """Renew once more, before the deadline is checked.

        After a pause of the whole process the lease may still be ours, if no other took it. A pause
        during the attempt requires another one: the attempt has timed out, or renewed the lease as
        of a time before the pause. One that has just timed out was not paused.
        """
        paused, longest = True, self._timings.patience + self._timings.retry
        while paused:
            before = self._lock.silent
            await self._attempt(self._lock.renew, self._timings.patience)
            paused = self._lock.silent - before > longest

    async def _attempt(self, step: Step, seconds: float) -> bool:
        """Return what `step` returns; False if the API server refuses, needs longer than `seconds`,
        or is unreachable."""
        failure, done = "", False
        try:
            done = bool(await step(seconds))
        except ConflictError:
            log.debug("another operator wrote the Lease first; reading it again")
        except ApiError as error:
            failure = str(error)
        if failure:
            self._trouble.failed(failure)
        else:
            self._trouble.worked()
        self._failure = failure
        return done


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel the tasks, and wait until they have ended."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        # Once may not suffice: Python 3.11's wait_for drops a cancellation that meets its result.
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)
