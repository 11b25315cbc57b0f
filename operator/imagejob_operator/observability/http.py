"""The operator over HTTP: is it alive, is it ready, as what, and its metrics.

GET /healthz   200 if the loop turns (a standby's need not), else 503
GET /readyz    200 if we lead, have listed everything and watch it, or stand by and know who leads;
               else 503. {"role": "leader" or "standby", "leader": IDENTITY}, and why not, if not
GET /metrics   for Prometheus, as text or as OpenMetrics, whichever is asked for
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

log = logging.getLogger(__name__)

STUCK_SECONDS = 30.0
"""The loop turns every 5 s, if only to show that it does."""


class Loop(Protocol):
    """What the probes ask of the engine."""

    @property
    def last_tick(self) -> float:
        """When the loop last turned, by time.monotonic."""

    @property
    def listed(self) -> bool:
        """Whether the first listing is complete: before it the loop does not turn."""

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The kinds that are not listed, or not watched: meanwhile nothing is decided."""


class Candidate(Protocol):
    """What the probes ask of leadership.Leadership."""

    @property
    def leads(self) -> bool: ...
    @property
    def leader(self) -> str: ...
    @property
    def trouble(self) -> str: ...


class Probes:
    """Answers from what is known: a probe costs no request to the API server."""

    def __init__(self, candidate: Candidate, loop: Loop) -> None:
        self._candidate = candidate
        self._loop = loop

    async def healthz(self, _: web.Request) -> web.Response:
        """Whether to let the process live."""
        age = time.monotonic() - self._loop.last_tick
        if not (self._candidate.leads and self._loop.listed) or age < STUCK_SECONDS:
            return _answer({"status": "alive"})
        return _answer({"status": "stuck", "secondsSinceLastTurn": round(age, 1)}, status=503)

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether it does what its role asks of it."""
        role = "leader" if self._candidate.leads else "standby"
        answer = {"role": role, "leader": self._candidate.leader}
        if why_not := self._why_not():
            return _answer({**answer, "message": why_not}, status=503)
        return _answer(answer)

    def _why_not(self) -> str:
        if self._candidate.trouble:
            return self._candidate.trouble
        if self._candidate.leads and self._loop.unwatched:
            return f"not listed and watched: {', '.join(self._loop.unwatched)}"
        if self._candidate.leads and not self._loop.listed:
            return "the first listing is not complete"
        return ""


@asynccontextmanager
async def serving(address: str, probes: Probes, registry: CollectorRegistry) -> AsyncIterator[None]:
    """On "host:port", or nowhere for "". OSError if that can't be listened on."""
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    application = web.Application()
    application.router.add_get("/healthz", probes.healthz)
    application.router.add_get("/readyz", probes.readyz)
    application.router.add_get("/metrics", _metrics(registry))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        log.info("probes and metrics are answered on %s", address)
        yield
    finally:
        await runner.cleanup()


def _metrics(registry: CollectorRegistry) -> Handler:
    expose = make_aiohttp_handler(registry)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await expose(request)
        response.force_close()  # as below
        return response

    return answer


def _answer(body: Mapping[str, str | float], status: int = 200) -> web.Response:
    answer = web.json_response(body, status=status)
    answer.force_close()  # kopf would wait 5 s at its end for the task of a connection kept open
    return answer
