"""Pages of images, the newest first, filtered.

A cursor names the last image of a page, and not a place: images that come or go meanwhile
neither repeat nor hide another. A filter may change from page to page.
"""

from __future__ import annotations

import base64
import heapq
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from .kinds import ListedImage

if TYPE_CHECKING:
    from collections.abc import Iterable

Position = tuple[float, str]
"""When it was created, in seconds, and its name."""


class Filter(msgspec.Struct, frozen=True):
    """Which images to list; what is empty or None leaves none out. All that is given must hold."""

    phases: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    profile: str = ""
    sha256: str = ""
    created_since: datetime | None = None

    def matches(self, image: ListedImage) -> bool:
        """Whether an image is to be listed."""
        created, since = image.metadata.creation_timestamp, self.created_since
        return (
            (not self.phases or image.phase in self.phases)
            and (not self.reasons or image.reason in self.reasons)
            and (not self.profile or image.profile == self.profile)
            and (not self.sha256 or image.spec.source.sha256 == self.sha256)
            and (since is None or (created is not None and created >= since))
        )


EVERYTHING = Filter()


class ListingPage(msgspec.Struct, frozen=True):
    """`cursor` leads to the next page; empty after the last."""

    images: tuple[ListedImage, ...]
    cursor: str


def page(
    images: Iterable[ListedImage], limit: int, cursor: str = "", which: Filter = EVERYTHING
) -> ListingPage:
    """Return the page after the cursor. Raises ValueError for a cursor that is none."""
    before = _decoded(cursor) if cursor else None
    rest = (
        each
        for each in images
        if which.matches(each) and (before is None or position(each) < before)
    )
    found = heapq.nlargest(limit + 1, rest, key=position)
    more = len(found) > limit
    found = found[:limit]
    return ListingPage(tuple(found), _encoded(position(found[-1])) if more else "")


def position(image: ListedImage) -> Position:
    """Return the sort key; the newest is last."""
    created = image.metadata.creation_timestamp or datetime.fromtimestamp(0, UTC)
    return created.timestamp(), image.metadata.name


def _encoded(at: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(at)).decode().rstrip("=")


def _decoded(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at: Position = msgspec.json.decode(text, type=Position)
    except (ValueError, msgspec.DecodeError) as error:
        raise ValueError("it isn't a cursor of this gateway") from error
    return at
