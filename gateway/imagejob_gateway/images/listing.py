"""Pages of images, the newest first.

A cursor names the last image of a page, and not a place: images that come or go meanwhile
neither repeat nor hide another.
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


class ListingPage(msgspec.Struct, frozen=True):
    """`cursor` leads to the next page; empty after the last."""

    images: tuple[ListedImage, ...]
    cursor: str


def page(images: Iterable[ListedImage], limit: int, cursor: str = "") -> ListingPage:
    """Return the page after the cursor. Raises ValueError for a cursor that is none."""
    before = _decoded(cursor) if cursor else None
    rest = (each for each in images if before is None or position(each) < before)
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
        raise ValueError("it is no cursor of this gateway") from error
    return at
