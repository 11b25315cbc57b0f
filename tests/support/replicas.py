"""Operators with leader election, and their probes' responses."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.rest import over_http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

PROBE_SECONDS = 2.0
LEASE_SECONDS = 3


class Answer(NamedTuple):
    """The response of a probe; status 0 if nobody answered."""

    status: int
    body: dict[str, Any]


def probe(port: int, path: str) -> Answer:
    """Send a probe, as a kubelet does."""
    try:
        with over_http(port).session(PROBE_SECONDS) as session:
            status, body = session.send("GET", path)
    except OSError:
        return Answer(0, {})
    return Answer(status, json.loads(body))


class Replica:
    """One of several operators."""

    def __init__(
        self, cluster: Client, name: str, kubeconfig: Path | None = None, **settings: str
    ) -> None:
        (self.port,) = free_ports(1)
        self.name = name
        election = {"leader_election": "true", "lease_seconds": str(LEASE_SECONDS)}
        probes = {"listen": f"{LOOPBACK}:{self.port}"}
        self.program: Program = cluster.operator(
            name, kubeconfig=kubeconfig, **(election | probes | settings)
        )

    @property
    def leads(self) -> bool:
        """Whether it leads, and is ready."""
        return self.ready == Answer(200, {"role": "leader", "leader": self.name})

    def stands_by(self, leader: Replica) -> bool:
        return self.ready == Answer(200, {"role": "standby", "leader": leader.name})

    @property
    def ready(self) -> Answer:
        return probe(self.port, "/readyz")

    @property
    def alive(self) -> bool:
        return probe(self.port, "/healthz") == Answer(200, {"status": "alive"})

    @property
    def log(self) -> str:
        return self.program.log.read_text()

    @property
    def audit(self) -> list[str]:
        """Its audit lines so far."""
        return [line for line in self.log.splitlines() if line.startswith("{")]

    @property
    def has_released(self) -> bool:
        """Whether it logged the release of its lease, so that nobody waits for the expiry."""
        return f"released the lease identity={self.name}" in self.log

    def wait_until_leads(self) -> None:
        self.program.wait_until(lambda: self.leads, "leading")

    def wait_until_stands_by(self, leader: Replica) -> None:
        self.program.wait_until(lambda: self.stands_by(leader), "standing by")


class Pair(NamedTuple):
    """The leader and the standby."""

    leader: Replica
    standby: Replica


@contextmanager
def pair(cluster: Client, prefix: str, **settings: str) -> Iterator[Pair]:
    """Two operators, of which one leads and the other knows it."""
    leader, standby = (Replica(cluster, f"{prefix}-{letter}", **settings) for letter in "ab")
    with ExitStack() as stack:
        for replica in (leader, standby):
            stack.enter_context(replica.program)
            leader.wait_until_leads()
        standby.wait_until_stands_by(leader)
        yield Pair(leader, standby)
