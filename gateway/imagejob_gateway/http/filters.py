"""The filters of a list of images, as parameters of the query."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import Depends, Query
from imagejob_operator.api.imagejob import Phase

from imagejob_gateway.images.listing import Filter
from imagejob_gateway.problem import ProblemError, ProblemReason

SINCE = "createdSince"

Phases = Annotated[
    list[Phase], Query(max_length=6, description="Only in this phase; repeated, in any of them.")
]
ReasonName = Annotated[str, Query(pattern=r"^[A-Za-z]{1,64}$")]
Reasons = Annotated[
    list[ReasonName],
    Query(max_length=16, description="Only with this reason; repeated, with any of them."),
]
Profile = Annotated[
    str, Query(max_length=253, pattern=r"^[-a-z0-9.]*$", description="Only of this profile.")
]
Digest = Annotated[
    str, Query(pattern=r"^([0-9a-f]{64})?$", description="Only of this content: SHA-256, in hex.")
]
Since = Annotated[
    str | None,
    Query(
        alias=SINCE,
        max_length=40,
        description="Only created then or later, such as 2026-11-22T10:00:00Z (RFC 3339).",
        json_schema_extra={"format": "date-time"},
    ),
]


async def _filter(
    phase: Phases = [],  # noqa: B006 (FastAPI copies it)
    reason: Reasons = [],  # noqa: B006 (likewise)
    profile: Profile = "",
    sha256: Digest = "",
    created_since: Since = None,
) -> Filter:
    return Filter(
        frozenset(phase),
        frozenset(reason),
        profile,
        sha256,
        None if created_since is None else _time(created_since),
    )


Which = Annotated[Filter, Depends(_filter)]
"""The parameter of a route that lists."""


def _time(text: str) -> datetime:
    """Pydantic would take a number for a time, too, and a time without a zone."""
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise _invalid() from error
    if found.tzinfo is None:
        raise _invalid()
    return found


def _invalid() -> ProblemError:
    detail = f"{SINCE}: It isn't an RFC 3339 time with a zone, such as 2026-11-22T10:00:00Z."
    return ProblemError(ProblemReason.INVALID_PARAMETER, detail, field=SINCE)
