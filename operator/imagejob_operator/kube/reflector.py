"""Keeps a cache of one kind current: lists it, watches it, and lists it again if necessary.

Modelled on client-go's. docs/decisions/0020-one-reflector.md says why it is our own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Protocol

from imagejob_operator.observability.logging import fields
from imagejob_operator.observability.trouble import Trouble

from .backoff import Backoff
from .client import Change, Cluster
from .errors import ApiError, ExpiredError, NotFoundError
from .resources import Kind

log = logging.getLogger(__name__)

WATCH_SECONDS = 30
"""The duration of a watch before it is renewed, and the longest time, plus a little, that a dead
connection goes unnoticed. client-go notices one after 45 s, by HTTP/2's pings."""

RETRY = Backoff(timedelta(seconds=0.25), timedelta(seconds=4))
"""The pauses after failures to list or to watch."""

SHORT = 1.0
"""Seconds. A watch that ends sooner counts as a failure; without an event, as one to list after."""

Pauses = Callable[[int], timedelta]


class Lister(Protocol):
    """Puts into a cache what a reflector brings."""

    async def take(
        self, kind: Kind[Any], namespace: str = "", heard: Callable[[], None] = lambda: None
    ) -> int:
        """List a kind, in every namespace or in one; return the list's version.

        `heard` is called for each object. May raise ApiError.
        """
        ...

    def hear(self, kind: Kind[Any], change: Change[Any]) -> None:
        """Apply a watch event."""
        ...


class Reflector:
    """Lists and watches one kind, in every namespace or in one; `is_current` while it has been
    listed and is watched.

    `changed` is called whenever that changes.
    """

    def __init__(
        self,
        kind: Kind[Any],
        cluster: Cluster,
        lister: Lister,
        changed: Callable[[], None],
        pause: Pauses = RETRY.pause,
        namespace: str = "",
    ) -> None:
        self.kind = kind
        self.is_current = False
        self._cluster = cluster
        self._lister = lister
        self._notify = changed
        self._pause = pause
        self._namespace = namespace
        self._fields = fields(resource=kind.plural)
        self._trouble = Trouble(log, "cannot watch, will retry", "watching again", self._fields)
        self._version = ""
        self._failures = 0

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self._version:
                    listed = await self._lister.take(self.kind, self._namespace, self._heard)
                    self._version = str(listed)
                await self._watch()
            except ExpiredError as error:
                if not self._version:  # it ended a list: what is known gets old
                    self._set_current(current=False)
                self._version = ""
                if self._failures:  # the first is nothing unusual
                    self._trouble.failed(error)
                await self._rest()
            except ApiError as error:
                await self._fail(error)

    async def _watch(self) -> None:
        """Watch until the watch ends; the next one continues from the last version."""
        began, brought, broke = time.monotonic(), False, False
        async with self._cluster.watch(
            self.kind, self._version, WATCH_SECONDS, self._namespace
        ) as changes:
            self._set_current(current=True)
            try:
                async for change in changes:
                    brought = True
                    self._take(change)
            except ExpiredError:
                raise
            except ApiError as error:
                broke = True
                self._tell(error)
        is_short = time.monotonic() - began < SHORT
        if is_short and not brought:
            raise ExpiredError(0, "the watch ended immediately")
        if not is_short:
            self._failures = 0
            if not broke:
                self._trouble.worked()
        if is_short or broke:
            await self._rest()

    def _take(self, change: Change[Any]) -> None:
        self._trouble.worked()
        if change.type != "BOOKMARK":
            self._cluster.metrics.watched(self.kind.plural, change.type)
            self._lister.hear(self.kind, change)
        self._version = change.version or self._version

    async def _fail(self, error: ApiError) -> None:
        """Continue at the same version or, if it may not exist any more, with a list."""
        if isinstance(error, NotFoundError) or error.is_refusal:
            self._version = ""  # a CRD that was deleted, and may be created again
        self._set_current(current=False)
        self._tell(error)
        await self._rest(error.retry_after)

    def _tell(self, error: ApiError) -> None:
        """Log an error of this kind alone: the transport logs outages."""
        if not error.is_outage:
            self._trouble.failed(error)

    async def _rest(self, at_least: timedelta = timedelta()) -> None:
        self._failures += 1
        await asyncio.sleep(max(self._pause(self._failures), at_least).total_seconds())

    def _set_current(self, *, current: bool) -> None:
        if current != self.is_current:
            self.is_current = current
            self._notify()

    def _heard(self) -> None:
        self._cluster.metrics.watched(self.kind.plural, None)


class Reflectors:
    """One reflector per kind. `changed` is called whenever one becomes current, or ceases to be."""

    def __init__(
        self,
        kinds: Iterable[Kind[Any]],
        cluster: Cluster,
        lister: Lister,
        changed: Callable[[], None],
        namespace: str = "",
    ) -> None:
        self._notify = changed
        self._all = [
            Reflector(kind, cluster, lister, self._changed, namespace=namespace) for kind in kinds
        ]
        self._are_current = asyncio.Event()

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The kinds that are not listed or not watched."""
        return tuple(each.kind.plural for each in self._all if not each.is_current)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Start all reflectors as tasks."""
        for each in self._all:
            tasks.create_task(each.run())

    async def current(self) -> None:
        """Wait until all kinds have been listed and are watched."""
        await self._are_current.wait()

    def _changed(self) -> None:
        if self.unwatched:
            self._are_current.clear()
        else:
            self._are_current.set()
        self._notify()
