"""Paginated lists, with pages of bounded size whatever the objects are like.

An object may have up to 1.5 MiB, of which we need some hundred bytes, and a tenant decides how
large it is: by annotations, labels, and fields that we don't know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

import msgspec

from imagejob_operator.api.meta import Resource
from imagejob_operator.observability.logging import fields

from .errors import TooLargeError
from .object_store import HasMetadata
from .resources import Kind
from .transport import Transport, decode

log = logging.getLogger(__name__)

FIRST, MOST = 50, 500
"""Objects in the first page, and the maximum in any."""

GOOD_BYTES = 4 * 1024**2
"""The page size to aim at. A page is in memory as a whole while it is decoded."""

T = TypeVar("T", bound=HasMetadata)

Selector = tuple[tuple[str, str], ...]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list at `version`: the objects that can be decoded, and the UIDs of all."""

    version: int
    items: list[T]
    uids: list[str]


class ListMeta(msgspec.Struct, rename="camel"):
    """The version of a list, and the token for its next page."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _RawPage(msgspec.Struct):
    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


class Identity(Resource, frozen=True):
    """Metadata that names an object that can't be decoded."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class Identified(Resource, frozen=True):
    """Any object."""

    metadata: Identity = Identity()


class Pager:
    """Reads lists. At most one page is in memory, however many lists are read at once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
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
        """Decode one object; log and count it and return None if that fails."""
        try:
            return msgspec.json.decode(raw, type=kind.type)
        except msgspec.DecodeError as error:
            meta = identify(raw)
            self._transport.metrics.unreadable(kind.plural)
            where = fields(
                kind=kind.type.__name__, namespace=meta.namespace, name=meta.name, uid=meta.uid
            )
            log.warning("ignoring an object that cannot be decoded: %s", error, extra=where)
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
    """Return the identity of an object, whatever else it contains."""
    return decode(raw, Identified).metadata


def next_limit(limit: int, objects: int, size: int) -> int:
    """Return the limit of the next page, after a page of `objects` in `size` bytes."""
    good = GOOD_BYTES * objects // size if objects else limit
    return max(1, min(good, 2 * limit, MOST))
