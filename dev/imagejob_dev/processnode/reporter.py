"""Keeps the status of one pod in the API server current."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagejob_dev.processnode import status
from imagejob_dev.processnode.api import Refused, persist

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagejob_dev.processnode.api import Api, Object

log = logging.getLogger(__name__)


class Reporter:
    """Writes one pod's status, the newest only: a state over before it was written is left out.

    `build` makes the status from the conditions written last.
    """

    def __init__(self, api: Api, pod: Object, build: Callable[[list[Object]], Object]) -> None:
        self._api = api
        self._pod = pod
        self._build = build
        self._conditions: list[Object] = []
        self._changed = asyncio.Event()
        self._closing = False

    def changed(self) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Write each change, until closed and all is written."""
        while not (self._closing and not self._changed.is_set()):
            await self._changed.wait()
            self._changed.clear()
            await self._write()

    def close(self) -> None:
        """Write the final status."""
        self._closing = True
        self._changed.set()

    async def event(self, reason: str, message: str) -> None:
        """A Warning that `kubectl describe pod` shows."""
        metadata, now = self._pod["metadata"], status.stamp(datetime.now(UTC))
        reference = {key: metadata[key] for key in ("name", "namespace", "uid")}
        body = {
            "metadata": {"generateName": f"{metadata['name']}."},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", **reference},
            "type": "Warning",
            "reason": reason,
            "message": message,
            "source": {"component": "process-node"},
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }
        path = f"/api/v1/namespaces/{metadata['namespace']}/events"
        await self._send(lambda: self._api.post(path, body))

    async def delete(self) -> None:
        """The last word on a pod that was deleted: nothing of it runs any more."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self._pod["metadata"]["uid"]}}
        await self._send(lambda: self._api.delete(self._path, body))

    @property
    def _path(self) -> str:
        metadata = self._pod["metadata"]
        return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"

    async def _write(self) -> None:
        """With the UID, so that a later pod of the same name is never written to."""
        fresh = self._build(self._conditions)
        self._conditions = fresh["conditions"]
        body = {"metadata": {"uid": self._pod["metadata"]["uid"]}, "status": fresh}
        await self._send(lambda: self._api.patch(f"{self._path}/status", body))

    async def _send(self, call: Callable[[], Awaitable[Object]]) -> None:
        try:
            await persist(call)
        except Refused as refusal:  # the pod is gone, or is another one by now
            log.info("%s: %s", self._path, refusal)
