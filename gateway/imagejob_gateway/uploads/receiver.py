"""One upload, from its first byte to its ImageJob."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from imagejob_operator.observability.logging import fields

from imagejob_gateway.images.manifest import NewImage
from imagejob_gateway.problem import ProblemError, ProblemReason

from . import formats, names
from .attempts import is_of_client, log_left, undo
from .body import check_length, counted, peek
from .idempotency import HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from imagejob_gateway.auth.caller import Caller
    from imagejob_gateway.config import ProfileSettings, Settings
    from imagejob_gateway.images.api import ImagesApi
    from imagejob_gateway.images.kinds import Image
    from imagejob_gateway.storage.buckets import Buckets

    from .attempts import Attempt, Attempts
    from .body import Body
    from .tally import Tally

log = logging.getLogger(__name__)


class Received(NamedTuple):
    """The ImageJob of an upload, and whether it was created for it."""

    image: Image
    is_new: bool


class Receiver:
    """Takes uploads. `check_quota` raises ProblemError if the namespace's quota lets no more in.

    `retries` counts, of each owner, what was worked for without a new image: what fails through its
    client, and what is sent again.
    """

    def __init__(
        self,
        settings: Settings,
        images: ImagesApi,
        buckets: Buckets,
        attempts: Attempts,
        retries: Tally,
        has_profile: Callable[[str], bool],
        check_quota: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._images = images
        self._buckets = buckets
        self._attempts = attempts
        self._retries = retries
        self._has_profile = has_profile
        self._check_quota = check_quota

    def profile(self, name: str) -> ProfileSettings:
        """Return the profile to use, "" for the default one. Raises ProblemError."""
        found = self._settings.profile(name)
        if found is None:
            why = f"The gateway offers no profile {name[:64]!r}."
        elif not self._has_profile(found.name):
            why = f"The ImageProfile {found.name} doesn't exist in the gateway's namespace."
        else:
            return found
        raise ProblemError(ProblemReason.PROFILE_NOT_FOUND, why, field="profile")

    async def receive(
        self, caller: Caller, body: Body, profile: ProfileSettings, key: str = ""
    ) -> Received:
        """Store the body and create its ImageJob, unless an earlier upload has.

        Without an Idempotency-Key, the same image for the same profile is the same upload. Raises
        ProblemError; nothing is left then.
        """
        check_length(body.length, self._settings.byte_limit)
        self._retries.check(caller.owner)
        name = names.name_of_key(caller.owner, key) if key else ""
        known = await self._images.read(name) if name else None
        if known is not None:
            self._retries.count(caller.owner)
            return await self._repeated(caller, body, profile, known)
        self._check_quota()
        store = self._settings.store_of(profile)
        beginning = self._attempts.begin(caller.owner, name, self._settings.prefix, store)
        async with beginning as attempt:
            try:
                sha256 = await self._stored(body, attempt)
                received = await self._created(caller, profile, attempt, name, sha256)
            except BaseException as error:
                if is_of_client(error):
                    self._retries.count(caller.owner)
                # Also when we are told to stop; and a request that failed may have had its effect.
                await asyncio.shield(self._undo(attempt))
                log.info("an upload failed, and was removed", extra=fields(key=attempt.key))
                raise
            await asyncio.shield(self._finish(attempt, received))
            return received

    async def _repeated(
        self, caller: Caller, body: Body, profile: ProfileSettings, known: Image
    ) -> Received:
        """Compare what is uploaded again under a key with what was. Raises ProblemError."""
        digest = hashlib.sha256()
        async for chunk in counted(body.chunks, body.length):
            digest.update(chunk)
        _check_same(known, caller.owner, profile.name, digest.hexdigest(), has_key=True)
        return Received(known, is_new=False)

    async def _stored(self, body: Body, attempt: Attempt) -> str:
        """Store the object, and return its digest."""
        head, chunks = await peek(counted(body.chunks, body.length), formats.HEAD_BYTES)
        found = formats.check(head, body.declared_type, self._settings.formats)
        digest = hashlib.sha256()
        kind, hashed = formats.media_type(found), _hashed(chunks, digest)
        await self._buckets.open(attempt.store).put(attempt.key, kind, body.length, hashed)
        return digest.hexdigest()

    async def _created(
        self, caller: Caller, profile: ProfileSettings, attempt: Attempt, name: str, sha256: str
    ) -> Received:
        has_key = bool(name)
        name = name or names.name_of_content(caller.owner, profile.name, sha256)
        new = NewImage(
            *(name, caller.owner, profile.name, attempt.store, attempt.key, sha256),
            on_behalf_of=caller.on_behalf_of,
            upload=attempt.upload,
        )
        self._attempts.check(attempt)
        image = await self._images.create(new, self._attempts.patience)
        if image is not None:
            return Received(image, is_new=True)
        known = await self._images.read(name)
        if known is None:
            detail = "The image can't be created now. Try again."
            raise ProblemError(ProblemReason.API_SERVER_UNAVAILABLE, detail)
        _check_same(known, caller.owner, profile.name, sha256, has_key=has_key)
        return Received(known, is_new=False)

    async def _finish(self, attempt: Attempt, received: Received) -> None:
        if not received.is_new:
            self._retries.count(attempt.owner)
            await self._undo(attempt)
            return
        try:
            await self._attempts.end(attempt, created=True)
        except ProblemError as error:  # the image is there, which is what was asked for
            log_left(attempt, error)

    async def _undo(self, attempt: Attempt) -> None:
        await undo(attempt, self._attempts, self._images, self._buckets)


def _check_same(known: Image, owner: str, profile: str, sha256: str, *, has_key: bool) -> None:
    """Raise ProblemError unless the ImageJob is of such an upload."""
    if known.owner != owner:
        detail = f"There is an ImageJob {known.metadata.name}, which isn't of this upload."
        raise ProblemError(ProblemReason.NAME_TAKEN, detail)
    if (known.spec.source.sha256, known.profile) == (sha256, profile):
        return
    if not has_key:
        detail = f"The ImageJob {known.metadata.name} was made of another image."
        raise ProblemError(ProblemReason.NAME_TAKEN, detail)
    detail = "The key was used for another image, or for another profile."
    raise ProblemError(ProblemReason.KEY_REUSED, detail, header=HEADER)


async def _hashed(chunks: AsyncIterator[bytes], digest: hashlib._Hash) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
