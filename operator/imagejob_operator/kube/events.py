"""Events about objects: those that others report, and those that the operator posts."""

from __future__ import annotations

import os
from contextlib import aclosing
from datetime import datetime

import msgspec

from imagejob_operator.api.meta import Manifest, ObjectMeta

from . import records
from .errors import ConflictError
from .object_store import version
from .pager import Pager
from .resources import EVENTS, Occurrence
from .transport import Transport

WARNINGS = 100
"""Events about one object.

Kubernetes counts repetitions in one Event, so legitimate ones are few.
"""

MESSAGE = 1024
"""Characters kept of an Event's message: the maximum of events.k8s.io."""


class Events:
    """Reads and posts Events. Every method may raise ApiError."""

    def __init__(self, transport: Transport, pager: Pager) -> None:
        self._transport = transport
        self._pager = pager

    async def warnings_about(self, thing: ObjectMeta) -> list[str]:
        """Return the messages of Warning Events about an object, the newest last.

        Reads at most WARNINGS of them: tenants may post any number of Events.
        """
        selector = f"involvedObject.uid={thing.uid},type=Warning"
        return [each.message for each in await self._list(thing.namespace, selector)]

    async def troubles_of_node(self, node: str, since: datetime) -> list[str]:
        """Return the messages of Events of a node that tell of trouble, the newest last.

        Events of nodes are in the namespace `default`. That a node isn't ready is no Warning.
        """
        selector = f"involvedObject.kind=Node,involvedObject.name={node}"
        return [
            each.message
            for each in await self._list("default", selector)
            if (each.type == "Warning" or each.reason == "NodeNotReady")
            and (each.last_timestamp or since) >= since
        ]

    async def _list(self, namespace: str, selector: str) -> list[Occurrence]:
        """Return at most WARNINGS Events, the newest last, with their messages cut."""
        found: list[Occurrence] = []
        pages = self._pager.pages(EVENTS, namespace, (("fieldSelector", selector),))
        async with aclosing(pages):
            async for page in pages:
                found += page.items
                if len(found) >= WARNINGS:
                    break
        found = sorted(found[:WARNINGS], key=version)
        return [msgspec.structs.replace(each, message=each.message[:MESSAGE]) for each in found]

    async def post(self, event: Manifest) -> None:
        """Post an Event; one that exists already was posted before a crash.

        If an Event of other content has the name, it is posted under another name. Raises
        ConflictError where that is taken, too.
        """
        path = f"/apis/events.k8s.io/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self._transport.send("POST", path, event)
        except ConflictError:
            if not await self._is_posted(event):
                await self._transport.send("POST", path, records.renamed(event, os.urandom(16)))

    async def _is_posted(self, event: Manifest) -> bool:
        """Whether the Event of that name has the same content and reporter.

        Uses `list`: needs no `get`.
        """
        meta = event["metadata"]
        selector = f"metadata.name={meta['name']}"
        said = (event["reportingController"], event["type"], event["reason"], event["note"])
        pages = self._pager.pages(EVENTS, meta["namespace"], (("fieldSelector", selector),))
        async with aclosing(pages):
            async for page in pages:
                for each in page.items:
                    if said == (each.reporting_component, each.type, each.reason, each.message):
                        return True
        return False
