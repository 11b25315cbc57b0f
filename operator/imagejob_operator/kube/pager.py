"""Lists in pages that are of a bearable size, whatever the objects are like.

An object may have up to 1.5 MiB, of which we may need some hundred bytes, and a tenant chooses how
much it is: in annotations, in labels, in fields that we don't know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

import msgspec

from imagejob_operator.api.meta import Resource

from .object_store import HasMetadata
from .resources import Kind
from .transport import TooLargeError, Transport, decode

log = logging.getLogger(__name__)

FIRST, MOST = 50, 500
"""Objects of the first page, and of any."""

GOOD_BYTES = 4 * 1024**2
"""What a page should have. It is in memory as a whole, for as long as it takes to read it."""

T = TypeVar("T", bound=HasMetadata)

Selector = tuple[tuple[str, str], ...]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list as of `version`: the objects that can be read, and the UIDs of all."""

    version: int
    items: list[T]
    uids: list[str]


class ListMeta(msgspec.Struct, rename="camel"):
    """Where a list was read, and where its next page begins."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _RawPage(msgspec.Struct):
    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


class Identity(Resource, frozen=True):
    """What is told of an object that can't be read."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class Identified(Resource, frozen=True):
    """Any object."""

    metadata: Identity = Identity()


class Pager:
    """Reads lists. One page at a time is in memory, whoever else reads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._one_at_a_time = asyncio.Lock()

    async def pages(
        self, kind: Kind[T], namespace: str = "", selector: Selector = (), first: int = FIRST
    ) -> AsyncGenerator[Page[T], None]:
        """All of a list as of one resource version. Raises ApiError."""
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
                raw, size = decode(data, _RawPage), len(data)
                del data
                page = self._read(kind, raw)
                more = raw.metadata.continue_
                del raw
            yield page
            if not more:
                return
            limit = next_limit(limit, len(page.uids), size)

    def read(self, kind: Kind[T], raw: msgspec.Raw) -> T | None:
        """One object; None if it can't be read: that is told, and counted."""
        try:
            return msgspec.json.decode(raw, type=kind.type)
        except msgspec.DecodeError as error:
            meta = identify(raw)
            self._transport.metrics.unreadable(kind.plural)
            log.warning(
                "ignoring %s %s/%s, which can't be read: %s",
                *(kind.type.__name__, meta.namespace, meta.name, error),
            )
            return None

    def _read(self, kind: Kind[T], raw: _RawPage) -> Page[T]:
        items, uids = [], []
        for each in raw.items or ():
            item = self.read(kind, each)
            if item is not None:
                items.append(item)
            uids.append(item.metadata.uid if item is not None else identify(each).uid)
        return Page(int(raw.metadata.resource_version), items, uids)


def identify(raw: msgspec.Raw) -> Identity:
    """Whatever else the object says."""
    return decode(raw, Identified).metadata


def next_limit(limit: int, objects: int, size: int) -> int:
    """How many objects to ask for after a page of so many, which had `size` bytes."""
    good = GOOD_BYTES * objects // size if objects else limit
    return max(1, min(good, 2 * limit, MOST))
