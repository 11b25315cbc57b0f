"""kopf's part: it logs in, starts our tasks, handles signals, and stops the tasks.

kopf watches nothing; docs/decisions/0020-one-reflector.md gives the reasons.
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


def login(**context: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 (kopf's, passed on)
    """Return the server and credentials that cluster.connect uses: the pod's, else KUBECONFIG's."""
    account = kopf.login_with_service_account(**context)
    if account is None:
        return kopf.login_with_kubeconfig(**context)
    return dataclasses.replace(account, server=own_cluster(os.environ) or account.server)


def own_cluster(environment: Mapping[str, str]) -> str:
    """Return the URL of the API server by the address that the kubelet gives, or "" outside a pod.

    kopf would use the server's DNS name, and would see nothing while DNS doesn't answer.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else ""


def settings() -> kopf.OperatorSettings:
    """Configure kopf to run the process only: it neither scans the cluster nor posts Events."""
    configured = kopf.OperatorSettings()
    configured.posting.enabled = False
    configured.posting.loggers = False
    configured.scanning.disabled = True
    return configured
