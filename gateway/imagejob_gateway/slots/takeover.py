"""From an object that a client has put into quarantine to its ImageJob.

The key of a slot can be written to as long as its URL is valid. So the object is copied, as long as
it is the one that was looked at, to a key that no URL leads to, and what the ImageJob names is the
copy and its digest.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_operator.api.imagejob import SourceFormat

    from imagejob_gateway.state.owner import Slot
    from imagejob_gateway.storage.bucket import Bucket

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where one attempt to complete a slot finds its object, and where it copies it to."""

    bucket: Bucket
    quarantined: str
    key: str


async def copied(place: Place, slot: Slot, accepted: Sequence[SourceFormat]) -> str | None:
    """Copy the object and return the copy's SHA-256; None if there is no object.

    Raises ProblemError for another object than announced: it is removed, so that the right one can
    be put in its place.
    """
    bucket, quarantined, key = place
    found = await bucket.stat(quarantined)
    if found is None:
        return None
    try:
        _check_length(found.length, slot)
        head = await bucket.head(quarantined, found.etag, formats.HEAD_BYTES)
        if head is None:
            raise _changed()
        formats.check(head, formats.media_type(slot.format), accepted)
    except ProblemError as error:
        if error.problem.status < 500:
            await bucket.remove(quarantined)
        raise
    if not await bucket.copy(quarantined, found.etag, key, formats.media_type(slot.format)):
        raise _changed()
    return await _digest(place, slot)


async def _digest(place: Place, slot: Slot) -> str:
    """Return what the copy has, whatever was in quarantine."""
    copy = await place.bucket.stat(place.key)
    if copy is None:
        raise _changed()
    _check_length(copy.length, slot)
    sha256 = copy.sha256 or await place.bucket.sha256(place.key)
    if slot.sha256 not in ("", sha256):
        raise ProblemError(
            ProblemReason.INCOMPLETE_BODY, "The object has another SHA-256 than announced."
        )
    return sha256


def _check_length(length: int, slot: Slot) -> None:
    if length != slot.length:
        raise ProblemError(
            ProblemReason.INCOMPLETE_BODY,
            f"The object has {length} bytes; {slot.length} were announced.",
        )


def _changed() -> ProblemError:
    return ProblemError(
        ProblemReason.NOT_UPLOADED, "The object was replaced meanwhile. Try again.", wait=1
    )
