"""Where owners' states are stored: ConfigMaps with fixed names, an entry for each owner.

The chart creates them without data, which the gateway adds, so it needs no right to create any, and
whatever applies the chart again has no say about their data. It writes patches of single entries,
and only to the version that it has read.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from imagejob_operator.api.meta import ObjectMeta, Resource
from imagejob_operator.kube.errors import ApiError, NotFoundError
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import Kind
from imagejob_operator.kube.transport import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_operator.kube.client import Cluster
    from imagejob_operator.kube.transport import Transport

SHARDS = 16
"""As many as the chart creates. Never changed: an owner's state would be left behind."""

NAME = "imagejob-gateway-state-{:02d}"


class ConfigMap(Resource, frozen=True):
    """A ConfigMap with states: the text of each, by its owner."""

    metadata: ObjectMeta
    data: dict[str, str] | None = None


CONFIG_MAPS = Kind(ConfigMap, "/api/v1", "configmaps")


class Stored(NamedTuple):
    """One shard as it was read, or as we have written it."""

    version: str
    data: Mapping[str, str]
    has_data: bool

    @property
    def size(self) -> int:
        """Bytes of its data, about as etcd counts them."""
        return sum(size_of(owner, text) for owner, text in self.data.items())


class UnreadableError(ApiError):
    """The ConfigMap exists, and isn't what a gateway has written."""


def size_of(owner: str, text: str) -> int:
    """Return how many bytes an entry has, 0 without text: letters may have four each."""
    return len(owner) + len(text.encode()) if text else 0


def shard_of(owner: str) -> int:
    """Return the shard of an owner."""
    return hashlib.sha256(owner.encode()).digest()[0] % SHARDS


class Shards:
    """The ConfigMaps of one namespace. Methods raise ApiError."""

    def __init__(self, transport: Transport, cluster: Cluster, namespace: str) -> None:
        self._transport = transport
        self._cluster = cluster
        self._namespace = namespace

    async def read(self, shard: int) -> Stored:
        """Read a shard as it is now."""
        name = NAME.format(shard)
        found = await self._cluster.read(CONFIG_MAPS, self._namespace, name)
        if found is None:
            raise NotFoundError(404, f"the ConfigMap {name} doesn't exist")
        if isinstance(found, Unreadable):
            raise UnreadableError(0, str(found))
        return _stored(found)

    async def write(self, shard: int, known: Stored, changed: Mapping[str, str]) -> Stored:
        """Write the texts of some owners, "" to remove one, to exactly the version that is known.

        Raises ConflictError if it has changed. After any other ApiError it may have been written.
        """
        path = CONFIG_MAPS.path(self._namespace, NAME.format(shard))
        answer = await self._transport.send("PATCH", path, patch(known, changed))
        return _stored(decode(answer, ConfigMap))


def patch(known: Stored, changed: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the operations of a JSON patch; replacing the version makes the server compare it."""
    steps: list[dict[str, object]] = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": known.version}
    ]
    if not known.has_data:
        steps.append({"op": "add", "path": "/data", "value": {}})
    for owner, text in changed.items():
        if text:
            steps.append({"op": "add", "path": f"/data/{owner}", "value": text})
        elif owner in known.data:
            steps.append({"op": "remove", "path": f"/data/{owner}"})
    return steps


def _stored(found: ConfigMap) -> Stored:
    data = found.data or {}
    return Stored(found.metadata.resource_version, data, has_data=found.data is not None)
