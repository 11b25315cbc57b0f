"""One upload, from its first byte to its ImageJob."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

from imagejob_operator.observability.logging import fields

from imagejob_gateway.images.manifest import NewImage
from imagejob_gateway.problem import ProblemError, ProblemReason

from . import formats, names
from .body import check_length, counted, peek

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from imagejob_gateway.auth.caller import Caller
    from imagejob_gateway.config import ProfileSettings, Settings
    from imagejob_gateway.images.api import ImagesApi
    from imagejob_gateway.images.kinds import Image
    from imagejob_gateway.storage.bucket import Bucket
    from imagejob_gateway.storage.buckets import Buckets

    from .body import Body

log = logging.getLogger(__name__)


class Receiver:
    """Takes uploads. `random` returns so many random bytes."""

    def __init__(
        self,
        settings: Settings,
        images: ImagesApi,
        buckets: Buckets,
        has_profile: Callable[[str], bool],
        random: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._images = images
        self._buckets = buckets
        self._has_profile = has_profile
        self._random = random

    def profile(self, name: str) -> ProfileSettings:
        """Return the profile to use, "" for the default one. Raises ProblemError."""
        found = self._settings.profile(name)
        if found is None or not self._has_profile(found.name):
            raise ProblemError(
                ProblemReason.PROFILE_NOT_FOUND,
                f"There is no profile {name[:64]!r}." if name else "There is no profile.",
                field="profile",
            )
        return found

    async def receive(self, caller: Caller, body: Body, profile: ProfileSettings) -> Image:
        """Store the body and create its ImageJob. Raises ProblemError; nothing is left then."""
        check_length(body.length, self._settings.byte_limit)
        head, chunks = await peek(counted(body.chunks, body.length), formats.HEAD_BYTES)
        found = formats.check(head, body.declared_type, self._settings.formats)
        store = self._settings.store_of(profile)
        bucket = self._buckets.open(store)
        name = names.new_name(self._random)
        key = names.source_key(self._settings.prefix, name, found)
        digest = hashlib.sha256()
        try:
            await bucket.put(key, formats.media_type(found), body.length, _hashed(chunks, digest))
            sha256 = digest.hexdigest()
            new = NewImage(
                *(name, caller.owner, profile.name, store, key, sha256), caller.on_behalf_of
            )
            return await self._images.create(new)
        except BaseException:
            # Also when we are told to stop; and a request that failed may have had its effect.
            await asyncio.shield(self._undo(name, bucket, key))
            raise

    async def _undo(self, name: str, bucket: Bucket, key: str) -> None:
        """Remove what may be there of an upload that failed: the name is nobody else's."""
        for step in (self._images.delete(name), bucket.remove(key)):
            try:
                await step
            except ProblemError as error:
                extra = fields(name=name, key=key)
                log.warning("an upload failed and can't be removed: %s", error, extra=extra)


async def _hashed(chunks: AsyncIterator[bytes], digest: hashlib._Hash) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
