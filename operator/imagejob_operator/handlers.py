"""kopf's part: it starts our tasks, handles signals, and stops the tasks.

kopf sends no requests: docs/decisions/0020-one-reflector.md and
docs/decisions/0033-a-patient-client.md give the reasons.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import kopf
from kopf._cogs.structs.references import Insights

from imagejob_operator.kube.leader_election import end

Work = Callable[[], Coroutine[Any, Any, None]]


def registry(tasks: asyncio.TaskGroup, *work: Work) -> kopf.OperatorRegistry:
    """Register kopf's hooks: start each of `work` as one of `tasks`, and stop them at the end."""
    running: list[asyncio.Task[None]] = []

    async def start(**_: object) -> None:
        running.extend(tasks.create_task(each()) for each in work)

    async def stop(**_: object) -> None:
        # At its end kopf waits up to 5 s for remaining tasks.
        await end(*running)

    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(login)
    kopf.on.startup(registry=handlers)(start)
    kopf.on.cleanup(registry=handlers)(stop)
    return handlers


def login(**_: object) -> kopf.ConnectionInfo:
    """Return a server that kopf never asks: see `insights`."""
    return kopf.ConnectionInfo(server="https://unused.invalid")


def insights() -> Insights:
    """Return what kopf knows of the cluster: nothing, and nothing to look for.

    Otherwise it would ask the API server for its kinds when it starts, and would end the process if
    that failed for a minute, or once with 401.
    """
    known = Insights()
    known.backbone.selectors.clear()
    return known


def settings() -> kopf.OperatorSettings:
    """Configure kopf to run the process only: it neither scans the cluster nor posts Events."""
    configured = kopf.OperatorSettings()
    configured.posting.enabled = False
    configured.posting.loggers = False
    configured.scanning.disabled = True
    return configured
