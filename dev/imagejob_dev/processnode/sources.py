"""Reads the Secrets and ConfigMaps that a pod names."""

from __future__ import annotations

import base64
import http
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagejob_dev.processnode.api import Refused

if TYPE_CHECKING:
    from imagejob_dev.processnode.api import Api

PLURALS = {"secret": "secrets", "configmap": "configmaps"}


class NotYet(Exception):  # noqa: N818 (the pod waits; nothing is wrong with the program)
    """Something that the pod needs isn't there. `reason` is the container's waiting reason."""

    def __init__(self, reason: str, message: str, event: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.event = event


@dataclass
class Sources:
    """The data of one namespace's Secrets and ConfigMaps; each is read once for one start."""

    api: Api
    namespace: str
    _known: dict[tuple[str, str], dict[str, bytes] | None] = field(default_factory=dict)

    async def read(self, kind: str, name: str) -> dict[str, bytes] | None:
        """Key → content; None if there is no such object. `kind` is secret or configmap."""
        if (kind, name) not in self._known:
            self._known[kind, name] = await self._fetch(kind, name)
        return self._known[kind, name]

    async def _fetch(self, kind: str, name: str) -> dict[str, bytes] | None:
        try:
            found = await self.api.get(
                f"/api/v1/namespaces/{self.namespace}/{PLURALS[kind]}/{name}"
            )
        except Refused as refusal:
            if refusal.status == http.HTTPStatus.NOT_FOUND:
                return None
            raise
        data = found.get("data") or {}
        if kind == "secret":
            return {key: base64.b64decode(value) for key, value in data.items()}
        return {key: value.encode() for key, value in data.items()}
