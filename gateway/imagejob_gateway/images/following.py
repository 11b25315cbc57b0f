"""An image's states, one after the other, until there is no next one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from imagejob_operator.api.imagejob import FINISHED, Phase

from imagejob_gateway.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from .cache import NamespaceCache
    from .kinds import Image, ListedImage

    Read = Callable[[str], Awaitable[Image | None]]


class Progress(msgspec.Struct, frozen=True):
    """One state. `version` is the object's, and grows."""

    version: int
    phase: Phase
    reason: str
    message: str
    is_deleted: bool = False

    @property
    def is_final(self) -> bool:
        """Whether no other state follows."""
        return self.is_deleted or self.phase in FINISHED


def progress(image: Image | ListedImage) -> Progress:
    """Return the state that an image is in."""
    version = int(image.metadata.resource_version)
    return Progress(version, image.phase, image.reason, image.message)


async def follow(
    image: Image, cache: NamespaceCache, read: Read, seconds: float
) -> AsyncGenerator[Progress | None]:
    """Yield the image's state now and each newer one; None after `seconds` without one.

    States that come while nobody asks for the next are left out, except for the latest.
    """
    latest = progress(image)
    yield latest
    with cache.followers.follow(image.metadata.name) as changed:
        changed.set()  # what happened in between is in the cache
        while not latest.is_final:
            has_changed = await _wait(changed, seconds)
            found = await _current(image, latest, cache, read)
            if _differs(found, latest):
                latest = found
                yield latest
            elif not has_changed:
                yield None


async def _wait(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    changed.clear()
    return True


async def _current(image: Image, latest: Progress, cache: NamespaceCache, read: Read) -> Progress:
    """Return the newest state that is known; whether an image is gone, the API server says.

    The cache may not have it yet: another gateway may have created it a moment ago.
    """
    cached = cache.image(image.metadata.name)
    if cached is not None and cached.metadata.uid == image.metadata.uid:
        return max(latest, progress(cached), key=lambda each: each.version)
    try:
        found = await read(image.metadata.name)
    except ProblemError:  # it is logged; the next look may tell
        return latest
    if found is None or found.metadata.uid != image.metadata.uid:
        return msgspec.structs.replace(latest, is_deleted=True)
    return max(latest, progress(found), key=lambda each: each.version)


def _differs(found: Progress, latest: Progress) -> bool:
    """Whether it is worth an event: not every version of an object is."""
    return msgspec.structs.replace(found, version=latest.version) != latest
