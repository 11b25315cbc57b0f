"""Attempts to upload, each with a lease in its owner's state, so that what dies leaves nothing.

The record is there before the first byte is stored, and goes once it is known what became of it.
While it is there, it counts for the limit and holds the Idempotency-Key.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from imagejob_operator.observability.logging import fields

from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.state import uploads
from imagejob_gateway.state.owner import OwnerState, Upload

from . import names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from imagejob_operator.quota.rates import Rate

    from imagejob_gateway.images.api import ImagesApi
    from imagejob_gateway.state.state import State
    from imagejob_gateway.state.uploads import Lease
    from imagejob_gateway.storage.buckets import Buckets

log = logging.getLogger(__name__)


class Attempt:
    """One attempt; `upload` is its id, `key` that of its object."""

    def __init__(self, owner: str, upload: str, key: str, store: str) -> None:
        self.owner = owner
        self.upload = upload
        self.key = key
        self.store = store
        self.renewed = 0.0


class Attempts:
    """Begins attempts and ends them. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        state: State,
        rate: Rate,
        lease: Lease,
        new_id: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._rate = rate
        self._lease = lease
        self._new_id = new_id
        self._clock = clock

    @property
    def patience(self) -> float:
        """Seconds that the request may take that creates the ImageJob."""
        return self._lease.patience

    @asynccontextmanager
    async def begin(
        self,
        owner: str,
        name: str,
        prefix: str,
        store: str,
        check: Callable[[OwnerState], None] = lambda _: None,
    ) -> AsyncIterator[Attempt]:
        """Begin an attempt, and keep its lease meanwhile; see `uploads.begun`.

        It has to be ended, or is left for the sweeper. `check` may raise ProblemError.
        """
        upload = self._new_id()
        attempt = Attempt(owner, upload, names.source_key(prefix, upload), store)

        def begun(state: OwnerState, now: int) -> tuple[OwnerState, None]:
            check(state)
            new = Upload(name, store, attempt.key, self._lease.end(now))
            return uploads.begun(state, self._rate, upload, new), None

        attempt.renewed = self._clock()
        await self._state.change(owner, begun)
        renewing = asyncio.create_task(self._renew(attempt))
        try:
            yield attempt
        finally:
            renewing.cancel()

    def check(self, attempt: Attempt) -> None:
        """Raise ProblemError once another may have taken the attempt for dead."""
        if self._clock() - attempt.renewed >= self._lease.seconds:
            raise ProblemError(
                ProblemReason.API_SERVER_UNAVAILABLE,
                "The upload couldn't be kept alive while the API server failed. Try again.",
            )

    async def end(self, attempt: Attempt, *, created: bool) -> None:
        """Forget an attempt, of which nothing is left but the ImageJob that it `created`.

        If that fails, the sweeper does it.
        """
        await _end(self._state, attempt.owner, attempt.upload, created=created)

    async def _renew(self, attempt: Attempt) -> None:
        def renewed(state: OwnerState, now: int) -> tuple[OwnerState, None]:
            return uploads.renewed(state, attempt.upload, self._lease.end(now)), None

        while True:
            await asyncio.sleep(self._lease.renewal)
            sent = self._clock()
            try:
                await self._state.change(attempt.owner, renewed)
            except ProblemError:  # the state has logged it; `check` notices that it lasts
                continue
            attempt.renewed = sent


async def undo(attempt: Attempt, attempts: Attempts, images: ImagesApi, buckets: Buckets) -> None:
    """Remove what may be there of an attempt that came to nothing, or leave it to be swept."""
    try:
        image = await images.of_upload(attempt.upload)
        if image is not None:
            await images.delete(image.metadata.name, image.metadata.uid)
        await buckets.open(attempt.store).remove(attempt.key)
        await attempts.end(attempt, created=False)
    except ProblemError as error:
        log_left(attempt, error)


def is_of_client(error: BaseException) -> bool:
    """Whether an attempt failed through its client, and not through us or what we depend on."""
    return isinstance(error, ProblemError) and error.problem.status < 500


def log_left(attempt: Attempt, error: ProblemError) -> None:
    """Log an attempt that couldn't be ended."""
    extra = fields(key=attempt.key, store=attempt.store)
    log.warning("an upload can't be ended and is left to be swept: %s", error, extra=extra)


class LeftUpload(NamedTuple):
    """An attempt whose gateway has died, or couldn't end it."""

    upload: str
    record: Upload


class LeftUploads:
    """See Leftovers: removes the object, unless it has its ImageJob."""

    def __init__(self, state: State, images: ImagesApi, buckets: Buckets, lease: Lease) -> None:
        self._state = state
        self._images = images
        self._buckets = buckets
        self._lease = lease

    def overdue(self, state: OwnerState, now: int) -> Sequence[LeftUpload]:
        """See Leftovers."""
        return [
            LeftUpload(upload, record)
            for upload, record in state.uploads.items()
            if self._lease.is_over(record.until, now)
        ]

    async def settle(self, owner: str, left: LeftUpload) -> None:
        """See Leftovers."""
        upload, record = left
        image = await self._images.of_upload(upload)
        extra = fields(owner=owner, key=record.key, store=record.store)
        if not names.is_source_key(record.key, upload):
            # Who may write ConfigMaps must not have us delete whatever is in the store.
            log.error("an upload's record names what isn't its object, which stays", extra=extra)
        elif image is None and record.store in self._buckets.names:
            await self._buckets.open(record.store).remove(record.key)
            log.info("removed what an upload has left", extra=extra)
        elif image is None:
            log.warning(
                "an upload has left an object in a store that is no longer ours", extra=extra
            )
        await _end(self._state, owner, upload, created=image is not None)


async def _end(state: State, owner: str, upload: str, *, created: bool) -> None:
    await state.change(
        owner, lambda known, _: (uploads.ended(known, upload, created=created), None)
    )
