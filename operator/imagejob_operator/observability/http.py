"""The operator's HTTP endpoints: liveness, readiness and metrics.

GET /healthz 200 if the loop runs, or we are a standby; else 503.

GET /readyz 200 if we lead and list and watch everything, or are a standby that knows the leader;
else 503. {"role": "leader" or "standby", "leader": IDENTITY}, with a "message" for 503.

GET /metrics for Prometheus, in the text or OpenMetrics format that it accepts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from .logging import fields

log = logging.getLogger(__name__)

STUCK_SECONDS = 30.0
"""The loop runs every 5 s, even if only to show that it does."""


class Loop(Protocol):
    """What the probes read of the manager."""

    @property
    def last_tick(self) -> float:
        """When the loop last ran, by time.monotonic."""

    @property
    def listed(self) -> bool:
        """Whether the initial lists are complete: before that the loop does not run."""

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The kinds that are not listed or not watched: meanwhile nothing is decided."""


class Candidate(Protocol):
    """What the probes read of kube/leader_election.py."""

    @property
    def leads(self) -> bool: ...
    @property
    def leader(self) -> str: ...
    @property
    def trouble(self) -> str: ...


class Probes:
    """Answers probes from memory: they cost no request to the API server."""

    def __init__(self, candidate: Candidate, loop: Loop) -> None:
        self._candidate = candidate
        self._loop = loop

    async def healthz(self, _: web.Request) -> web.Response:
        """Answer whether the process should live."""
        age = time.monotonic() - self._loop.last_tick
        if not (self._candidate.leads and self._loop.listed) or age < STUCK_SECONDS:
            return _answer({"status": "alive"})
        return _answer({"status": "stuck", "secondsSinceLastTurn": round(age, 1)}, status=503)

    async def readyz(self, _: web.Request) -> web.Response:
        """Answer whether it fulfils its role."""
        role = "leader" if self._candidate.leads else "standby"
        answer = {"role": role, "leader": self._candidate.leader}
        if why_not := self._why_not():
            return _answer({**answer, "message": why_not}, status=503)
        return _answer(answer)

    def _why_not(self) -> str:
        if self._candidate.trouble:
            return self._candidate.trouble
        if self._candidate.leads and self._loop.unwatched:
            return f"not listed or not watched: {', '.join(self._loop.unwatched)}"
        if self._candidate.leads and not self._loop.listed:
            return "the initial lists are not complete"
        return ""


@asynccontextmanager
async def serving(
    address: str, probes: Probes | None, registry: CollectorRegistry
) -> AsyncIterator[None]:
    """Serve on "host:port", or nothing for "". Raises OSError if it can't listen there.

    Without `probes`, only metrics: the gateway answers its probes where it serves its API.
    """
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    application = web.Application()
    if probes:
        application.router.add_get("/healthz", probes.healthz)
        application.router.add_get("/readyz", probes.readyz)
    application.router.add_get("/metrics", _metrics(registry))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        what = "probes and metrics" if probes else "metrics"
        log.info("serving %s", what, extra=fields(address=address))
        yield
    finally:
        await runner.cleanup()


def _metrics(registry: CollectorRegistry) -> Handler:
    expose = make_aiohttp_handler(registry)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await expose(request)
        response.force_close()  # see _answer
        return response

    return answer


def _answer(body: Mapping[str, str | float], status: int = 200) -> web.Response:
    answer = web.json_response(body, status=status)
    answer.force_close()  # at its end kopf would wait 5 s for the task of a kept connection
    return answer
