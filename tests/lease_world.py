"""A Lease of a real API server, its candidates, and the clock that they go by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from imagejob_operator.kube import transport
from imagejob_operator.kube.leader_election import LeaderElector
from imagejob_operator.kube.lease import LeaseTimings
from imagejob_operator.kube.lease_lock import NAME, LeaseLock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagejob_dev.client import Client

    Story = Callable[["World"], Awaitable[None]]
    Play = Callable[[Story], None]

SECONDS = 15
QUICK = LeaseTimings(1)  # for what runs by the real clock


class World:
    """A namespace with a Lease, or none yet."""

    def __init__(self, cluster: Client, namespace: str, connection: transport.Transport) -> None:
        self.now = 1000.0
        self._cluster = cluster
        self._namespace = namespace
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
        self._connection = connection

    def candidate(self, identity: str) -> LeaseLock:
        """On the clock `now`."""
        timings = LeaseTimings(SECONDS)
        return LeaseLock(self._connection, self._namespace, identity, timings, lambda: self.now)

    def operator(self, identity: str) -> LeaderElector:
        """On the real clock."""
        return LeaderElector(LeaseLock(self._connection, self._namespace, identity, QUICK))

    @property
    def lease(self) -> dict[str, Any]:
        spec: dict[str, Any] = self._cluster.rest.get(self._path)["spec"]
        return spec

    def delete_lease(self) -> None:
        self._cluster.rest.delete(self._path)


def play(cluster: Client, namespace: str, story: Story) -> None:
    """Run a story in an event loop, with a connection to the cluster of KUBECONFIG."""

    async def run() -> None:
        async with transport.connect() as connection:
            await story(World(cluster, namespace, connection))

    asyncio.run(run())
