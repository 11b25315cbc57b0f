"""kopf's part: the process. It logs in, starts our work, minds signals, and ends it.

It watches nothing: docs/decisions/0020-one-reflector.md says why not.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import kopf

from imagejob_operator.kube.leader_election import end

Work = Callable[[], Coroutine[Any, Any, None]]


def registry(tasks: asyncio.TaskGroup, *work: Work) -> kopf.OperatorRegistry:
    """What kopf calls: at its start, to begin the work as `tasks`, and at its end, to end it."""
    running: list[asyncio.Task[None]] = []

    async def start(**_: object) -> None:
        running.extend(tasks.create_task(each()) for each in work)

    async def stop(**_: object) -> None:
        # kopf waits for whatever tasks there are at its end: 5 s, if nobody ends ours.
        await end(*running)

    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(login)
    kopf.on.startup(registry=handlers)(start)
    kopf.on.cleanup(registry=handlers)(stop)
    return handlers


def login(**context: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 (kopf's, passed on)
    """The same server and credentials as cluster.connect: those of the pod, else of KUBECONFIG."""
    account = kopf.login_with_service_account(**context)
    if account is None:
        return kopf.login_with_kubeconfig(**context)
    return dataclasses.replace(account, server=own_cluster(os.environ) or account.server)


def own_cluster(environment: Mapping[str, str]) -> str:
    """The API server of the cluster that we run in, by its address as the kubelet tells it.

    kopf would take its name, and see nothing for as long as DNS doesn't answer. "" if not told.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else ""


def settings() -> kopf.OperatorSettings:
    """kopf as a framework for the process: it looks for nothing in the cluster, nor writes."""
    configured = kopf.OperatorSettings()
    configured.posting.enabled = False
    configured.posting.loggers = False
    configured.scanning.disabled = True
    return configured
