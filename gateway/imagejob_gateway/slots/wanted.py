"""What a client wants to upload, judged before a slot is reserved for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.storage.direct import Announced
from imagejob_gateway.uploads import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_operator.api.imagejob import SourceFormat


class Wanted(NamedTuple):
    """One file as it is announced. Digests are in hex, "" if not given; so is the profile."""

    content_type: str
    length: int
    sha256: str = ""
    md5: str = ""
    profile: str = ""

    @property
    def announced(self) -> Announced:
        """What the store is to hold the client to."""
        return Announced(self.content_type, self.length, self.sha256, self.md5)


def check(wanted: Wanted, max_bytes: int, accepted: Sequence[SourceFormat]) -> SourceFormat:
    """Return the format that it has to have. Raises ProblemError."""
    if not 0 < wanted.length <= max_bytes:
        raise ProblemError(
            ProblemReason.TOO_LARGE if wanted.length else ProblemReason.EMPTY_BODY,
            f"The upload has {wanted.length} bytes; there may be 1 to {max_bytes}.",
            field="length",
        )
    found = formats.MEDIA_TYPES.get(wanted.content_type.lower())
    if found is None or found not in accepted:
        listed = ", ".join(accepted)
        raise ProblemError(
            ProblemReason.UNSUPPORTED_FORMAT,
            f"The type {wanted.content_type[:100]!r} isn't accepted ({listed} are).",
            field="contentType",
        )
    return found
