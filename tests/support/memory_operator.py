"""The operator's whole loop, in this process, on an API server in memory."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from imagejob_operator.config.platform import Caps
from imagejob_operator.config.timings import Timings
from imagejob_operator.contract import order as orders
from imagejob_operator.controllers.manager import Manager
from imagejob_operator.kube.client import Cluster
from imagejob_operator.observability.logging import JsonFormatter
from imagejob_operator.quota.rates import Policy, parse_rate

from support.api_objects import NOW, PLATFORM
from support.tenant import reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from support.memory_api import Body, MemoryApi

OWN = "imagejob-system"
CAPS = Caps(Policy((parse_rate("1000/1h"),)), max_workers=200, max_workers_per_namespace=50)


class Log(logging.Handler):
    """Keeps what is logged, as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(msgspec.json.decode(self.format(record)))


class Operator:
    """One that runs. Its clock begins at NOW, and states are written at once."""

    def __init__(self, api: MemoryApi) -> None:
        self.api = api
        self.log = Log()
        self.audit: list[bytes] = []
        began = time.monotonic()
        platform = msgspec.structs.replace(PLATFORM, timings=Timings(settle=timedelta()))
        self.manager = Manager(
            Cluster(api),  # type: ignore[arg-type]
            platform,
            CAPS,
            namespace=OWN,
            instance="op-1",
            write_audit=self.audit.append,
            clock=lambda: NOW + timedelta(seconds=time.monotonic() - began),
        )
        self.task: asyncio.Task[None]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what it writes."""
        await self.api.until(condition, self.task)

    def dispatched(self, namespace: str) -> set[str]:
        """The names of the ImageJobs that are in the worker Jobs that it has created there."""
        made = self.api.created.get("jobs", ())
        return {
            item.name
            for body in made
            if body["metadata"]["namespace"] == namespace
            for item in orders.decode(_order_of(body)).items
        }

    def reason(self, namespace: str, name: str) -> str:
        """Of the ImageJob's status."""
        return reason(self.api.get("imagejobs", namespace, name).get("status") or {})

    def count(self, name: str, **labels: str) -> float:
        """The value of one of its counters."""
        return self.api.metrics.registry.get_sample_value(f"imagejob_{name}", labels) or 0.0

    def logged(self, namespace: str, name: str, level: str = "warning") -> list[str]:
        """Messages about an object."""
        return [
            line["message"]
            for line in self.log.lines
            if (line.get("namespace"), line.get("name")) == (namespace, name)
            if line["level"] == level
        ]


@asynccontextmanager
async def operating(api: MemoryApi) -> AsyncIterator[Operator]:
    """Run an operator."""
    running = Operator(api)
    root = logging.getLogger("imagejob_operator")
    root.addHandler(running.log)
    level = root.level
    root.setLevel(logging.INFO)
    running.task = asyncio.create_task(running.manager.run())
    try:
        yield running
    finally:
        root.removeHandler(running.log)
        root.setLevel(level)
        running.task.cancel()
        with suppress(asyncio.CancelledError):
            await running.task


def _order_of(job: Body) -> str:
    environment = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(next(each["value"] for each in environment if each["name"] == "IMAGEJOB_ORDER"))
