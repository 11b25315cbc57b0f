"""Paginated lists, with pages of bounded size whatever the objects are like.

An object may have up to 1.5 MiB, of which we need some hundred bytes, and a tenant decides how
large it is: by annotations, labels, and fields that we don't know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

import msgspec

from . import shallow
from .errors import ApiError, TooLargeError
from .object_store import HasMetadata
from .reader import Reader, Unreadable
from .resources import Kind
from .transport import Transport, decode
from .usable import version_number

FIRST, MOST = 50, 500
"""Objects in the first page, and the maximum in any."""

GOOD_BYTES = 4 * 1024**2
"""The page size to aim at. A page is in memory as a whole while it is decoded."""

T = TypeVar("T", bound=HasMetadata)

Selector = tuple[tuple[str, str], ...]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list at `version`: the objects that can be read, and those that can't."""

    version: int
    items: list[T]
    unreadable: list[Unreadable]

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.items) + len(self.unreadable)


class ListMeta(msgspec.Struct, rename="camel"):
    """The version of a list, and the token for its next page."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _RawPage(msgspec.Struct):
    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


class Pager:
    """Reads lists. At most one page is in memory, however many lists are read at once."""

    def __init__(self, transport: Transport, reader: Reader) -> None:
        self._transport = transport
        self._reader = reader
        self._one_at_a_time = asyncio.Lock()

    async def pages(
        self, kind: Kind[T], namespace: str = "", selector: Selector = (), first: int = FIRST
    ) -> AsyncGenerator[Page[T], None]:
        """List everything at one resource version. Raises ApiError."""
        limit, more = first, ""
        while True:
            query = [*selector, ("limit", str(limit)), *([("continue", more)] if more else [])]
            async with self._one_at_a_time:
                try:
                    data = await self._transport.send("GET", kind.path(namespace), query=query)
                except TooLargeError:
                    if limit == 1:
                        raise
                    limit //= 2
                    continue
                raw, size = _raw_page(data), len(data)
                del data
                page = self._read(kind, raw)
                more = raw.metadata.continue_
                del raw
            yield page
            if not more:
                return
            limit = next_limit(limit, page.count, size)

    def _read(self, kind: Kind[T], raw: _RawPage) -> Page[T]:
        version = version_number(raw.metadata.resource_version)
        if version is None:
            raise ApiError(0, "the list has no resource version")
        items: list[T] = []
        unreadable: list[Unreadable] = []
        for each in raw.items or ():
            item = self._reader.read(kind, each)
            if isinstance(item, Unreadable):
                unreadable.append(item)
            else:
                items.append(item)
        return Page(version, items, unreadable)


def _raw_page(data: bytes) -> _RawPage:
    """Split a page into its objects. Raises ApiError."""
    try:
        return decode(data, _RawPage)
    except ApiError:
        parts = shallow.members(data)  # one of its objects may nest too deeply
        if "metadata" not in parts:
            raise
        items = [msgspec.Raw(each) for each in shallow.elements(parts.get("items", b""))]
        return _RawPage(decode(parts["metadata"], ListMeta), items)


def next_limit(limit: int, objects: int, size: int) -> int:
    """Return the limit of the next page, after a page of `objects` in `size` bytes."""
    good = GOOD_BYTES * objects // size if objects else limit
    return max(1, min(good, 2 * limit, MOST))
