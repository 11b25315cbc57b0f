"""A Lease of a real API server, its candidates, and their clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from imagejob_operator.kube import transport
from imagejob_operator.kube.errors import UnreachableError
from imagejob_operator.kube.leader_election import LeaderElector
from imagejob_operator.kube.lease import LeaseTimings
from imagejob_operator.kube.lease_lock import NAME, LeaseLock, seconds_since_boot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from imagejob_dev.client import Client

    Story = Callable[["World"], Awaitable[None]]
    Play = Callable[[Story], None]

SECONDS = 15
QUICK = LeaseTimings(1)  # for what runs by the real clock
SLOW = LeaseTimings(3)


class World:
    """A namespace with at most one Lease."""

    def __init__(self, cluster: Client, namespace: str, connection: transport.Transport) -> None:
        self.now = 1000.0
        self._cluster = cluster
        self._namespace = namespace
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
        self._connection = connection

    def candidate(self, identity: str, connection: Recorded | None = None) -> LeaseLock:
        """On the clock `now`."""
        timings, sends = LeaseTimings(SECONDS), connection or self._connection
        return LeaseLock(sends, self._namespace, identity, timings, lambda: self.now)

    def recorded(self) -> Recorded:
        """A connection of its own for a candidate."""
        return Recorded(self._connection)

    def operator(self, identity: str) -> LeaderElector:
        """An operator on the real clock."""
        return LeaderElector(LeaseLock(self._connection, self._namespace, identity, QUICK))

    def operator_slow(self, identity: str, seconds: float) -> LeaderElector:
        """On the real clock, with a lease of SLOW: each of its requests takes so long."""
        slow = _Slow(self._connection, seconds)
        return LeaderElector(LeaseLock(slow, self._namespace, identity, SLOW))

    def operator_paused(self, identity: str, *, is_answered: bool) -> LeaderElector:
        """An operator on the real clock, which jumps once while it renews its Lease.

        As if the process was paused then: the response had come, or the attempt timed out.
        """
        paused = _PausedOnce(self._connection, is_answered=is_answered)
        clock = lambda: seconds_since_boot() + paused.seconds  # noqa: E731
        return LeaderElector(LeaseLock(paused, self._namespace, identity, QUICK, clock))

    @property
    def lease(self) -> dict[str, Any]:
        spec: dict[str, Any] = self._cluster.rest.get(self._path)["spec"]
        return spec

    def delete_lease(self) -> None:
        self._cluster.rest.delete(self._path)


class Recorded:
    """A connection that notes the methods, and loses the answer to the next write if told to."""

    def __init__(self, connection: transport.Transport) -> None:
        self.methods: list[str] = []
        self.loses_an_answer = False
        self._connection = connection

    async def send(self, method: str, path: str, body: object, seconds: float) -> bytes:
        self.methods.append(method)
        answer = await self._connection.send(method, path, body, seconds=seconds)
        if self.loses_an_answer and method != "GET":
            self.loses_an_answer = False
            raise UnreachableError("the connection broke")
        return answer


class _Slow:
    """A connection to an API server that takes its time."""

    def __init__(self, connection: transport.Transport, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds

    async def send(self, method: str, path: str, body: object, seconds: float) -> bytes:
        async with _limited(seconds):
            answer = await self._connection.send(method, path, body)
            await asyncio.sleep(self._seconds)
            return answer


class _PausedOnce:
    """A connection on which the first renewal takes many times the lease duration."""

    def __init__(self, connection: transport.Transport, *, is_answered: bool) -> None:
        self.seconds = 0.0
        self._connection = connection
        self._is_answered = is_answered

    async def send(self, method: str, path: str, body: object, seconds: float) -> bytes:
        if method != "PATCH" or self.seconds:
            return await self._connection.send(method, path, body, seconds=seconds)
        answer = await self._connection.send(method, path, body) if self._is_answered else b""
        self.seconds = 100.0 * QUICK.seconds
        if not self._is_answered:
            async with _limited(seconds):
                await asyncio.Event().wait()
        return answer


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    """End as a request does that gets no response in time."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UnreachableError("no response in time") from error


def play(cluster: Client, namespace: str, story: Story) -> None:
    """Run a scenario in an event loop, with a connection to the cluster of KUBECONFIG."""

    async def run() -> None:
        async with transport.connect() as connection:
            await story(World(cluster, namespace, connection))

    asyncio.run(run())
