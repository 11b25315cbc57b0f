"""What the probes answer, and when a kubelet restarts the pod or removes it from its Service."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp
import pytest
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_operator.observability import http as web
from imagejob_operator.observability.metrics import Metrics
from prometheus_client import CollectorRegistry

LEADER = {"role": "leader", "leader": "one"}
STANDBY = {"role": "standby", "leader": "two"}


@dataclass
class Facts:
    """Facts about a candidate and a loop."""

    leads: bool = True
    leader: str = "one"
    trouble: str = ""
    age: float = 0.0
    listed: bool = True
    unwatched: tuple[str, ...] = ()

    @property
    def last_tick(self) -> float:
        return time.monotonic() - self.age


def _ask(facts: Facts, path: str) -> tuple[int, dict[str, object]]:
    (port,) = free_ports(1)

    async def ask() -> tuple[int, dict[str, object]]:
        probes = web.serving(f"{LOOPBACK}:{port}", web.Probes(facts, facts), CollectorRegistry())
        url = f"http://{LOOPBACK}:{port}{path}"
        async with probes, aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.json()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (Facts(), 200),
        (Facts(age=29.0), 200),
        (Facts(age=31.0), 503),
        (Facts(age=31.0, leads=False), 200),
        (Facts(age=31.0, listed=False), 200),
        (Facts(trouble="no answer"), 200),
    ],
    ids=["leader", "slow", "stuck", "standby", "still listing", "cut off"],
)
def test_alive(facts: Facts, status: int) -> None:
    assert _ask(facts, "/healthz")[0] == status


def test_stuck_says_for_how_long() -> None:
    _, answer = _ask(Facts(age=42.0), "/healthz")

    assert answer == {"status": "stuck", "secondsSinceLastTurn": 42.0}


@pytest.mark.parametrize(
    ("facts", "status", "answer"),
    [
        (Facts(), 200, LEADER),
        (Facts(leads=False, leader="two", listed=False), 200, STANDBY),
        (Facts(listed=False), 503, {**LEADER, "message": "the initial lists are not complete"}),
        (
            Facts(unwatched=("pods", "imagejobs")),
            503,
            {**LEADER, "message": "not listed or not watched: pods, imagejobs"},
        ),
        (Facts(leads=False, leader="two", unwatched=("pods",)), 200, STANDBY),
        (Facts(trouble="no answer"), 503, {**LEADER, "message": "no answer"}),
        (
            Facts(leads=False, leader="two", trouble="no answer"),
            503,
            {**STANDBY, "message": "no answer"},
        ),
    ],
    ids=[
        "leader",
        "standby",
        "still listing",
        "blind",
        "blind standby",
        "leader cut off",
        "standby cut off",
    ],
)
def test_ready(facts: Facts, status: int, answer: dict[str, object]) -> None:
    assert _ask(facts, "/readyz") == (status, answer)


@pytest.mark.parametrize(
    ("accepted", "kind", "end"),
    [
        ("", "text/plain; version=0.0.4", b"imagejob_retries_total"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", b"# EOF\n"),
    ],
    ids=["whoever doesn't say", "as Prometheus asks"],
)
def test_metrics_come_as_they_are_asked_for(accepted: str, kind: str, end: bytes) -> None:
    (port,) = free_ports(1)
    address = f"{LOOPBACK}:{port}"

    async def ask() -> tuple[str, bytes, str]:
        serving = web.serving(address, web.Probes(Facts(), Facts()), Metrics().registry)
        async with serving, aiohttp.ClientSession() as session:
            headers = {"Accept": accepted} if accepted else {}
            async with session.get(f"http://{address}/metrics", headers=headers) as response:
                headers_given = response.headers
                body = await response.read()
                return headers_given["Content-Type"], body, headers_given["Connection"]

    given, body, connection = asyncio.run(ask())

    assert given.startswith(kind)
    assert end in body
    assert connection == "close"


def test_nothing_listens_unless_told_where() -> None:
    async def serve() -> None:
        async with web.serving("", web.Probes(Facts(), Facts()), CollectorRegistry()):
            pass

    asyncio.run(serve())
