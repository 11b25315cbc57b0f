"""What a client wants to upload, judged before a slot is reserved for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.uploads import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_operator.api.imagejob import SourceFormat

    from imagejob_gateway.storage.direct import Announced


class Wanted(NamedTuple):
    """One file: what the store is to hold the client to, and its profile, "" if not given."""

    announced: Announced
    profile: str = ""


def check(announced: Announced, max_bytes: int, accepted: Sequence[SourceFormat]) -> SourceFormat:
    """Return the format that it has to have. Raises ProblemError."""
    if not 0 < announced.length <= max_bytes:
        raise ProblemError(
            ProblemReason.TOO_LARGE if announced.length else ProblemReason.EMPTY_BODY,
            f"The upload has {announced.length} bytes; there may be 1 to {max_bytes}.",
            field="length",
        )
    found = formats.MEDIA_TYPES.get(announced.content_type.lower())
    if found is None or found not in accepted:
        listed = ", ".join(accepted)
        raise ProblemError(
            ProblemReason.UNSUPPORTED_FORMAT,
            f"The type {announced.content_type[:100]!r} isn't accepted ({listed} are).",
            field="contentType",
        )
    return found
