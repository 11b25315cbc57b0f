"""The operator's process: composes settings, clients, leader election, probes, kopf and the
manager.

Run `python -m imagejob_operator`, configured by IMAGEJOB_… variables (see config/settings.py) and
the usual KUBECONFIG. Audit lines go to standard output, logs to standard error.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from functools import partial

import kopf

from imagejob_operator.api.version import VERSION
from imagejob_operator.config.settings import Settings, SettingsError, from_environment
from imagejob_operator.controllers.manager import Manager
from imagejob_operator.controllers.ttl import sweep_forever
from imagejob_operator.kube.clock import utc_now
from imagejob_operator.kube.connection import ConnectionConfigError
from imagejob_operator.kube.leader_election import LeaderElector, Leadership, SoleReplica, Work
from imagejob_operator.kube.lease import LeaseTimings
from imagejob_operator.kube.lease_lock import LeaseLock, LeaseLostError
from imagejob_operator.observability.collector import Gauges
from imagejob_operator.observability.metrics import Metrics

from . import handlers
from .kube import client as cluster
from .kube import transport
from .observability import http as web
from .observability import logging as logs

log = logging.getLogger("imagejob_operator")

STOPPED, UNCONFIGURED, DEPOSED = 0, 2, 3


def write_audit(fence: transport.Fence, metrics: Metrics, line: bytes) -> None:
    """Write and flush one audit line, before the status is written.

    Raises FencedError if we may not lead.
    """
    fence()
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
    metrics.audit_line()


async def operate(settings: Settings) -> None:
    """Wait for leadership and run the operator until it is told to stop. Raises LeaseLostError."""
    metrics = Metrics(VERSION)
    async with transport.connect(metrics=metrics) as unfenced:
        leadership = candidate(settings, unfenced)
        async with cluster.connect(leadership.fence, metrics) as api:
            audit = partial(write_audit, leadership.fence, metrics)
            manager = Manager(
                api,
                settings.platform,
                settings.caps,
                namespace=settings.namespace,
                instance=settings.instance,
                write_audit=audit,
                namespace_memory=settings.namespace_memory,
            )
            gauges = Gauges(leadership, manager, settings.metrics_namespaces)
            metrics.registry.register(gauges)
            probes = web.Probes(leadership, manager)
            async with web.serving(settings.listen, probes, metrics.registry):
                cancel_when_told_to_stop()
                sweep = partial(sweep_forever, api, audit, utc_now)
                await leadership.lead(partial(work, manager.run, sweep))


def candidate(settings: Settings, connection: transport.Transport) -> Leadership:
    """Return the leader election to take part in, or a stand-in where it is switched off."""
    if not settings.leader_election:
        return SoleReplica(settings.instance)
    timings = LeaseTimings(settings.lease_seconds)
    return LeaderElector(LeaseLock(connection, settings.namespace, settings.instance, timings))


def cancel_when_told_to_stop() -> None:
    """Cancel this task on SIGTERM and SIGINT. While kopf runs, it handles them itself."""
    task = asyncio.current_task()
    assert task  # noqa: S101 (tells mypy)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def work(*parts: Work) -> None:
    """Run kopf and `parts` until kopf is told to stop. An unexpected exception ends the process."""
    async with asyncio.TaskGroup() as tasks:
        await kopf.operator(
            registry=handlers.registry(tasks, *parts),
            settings=handlers.settings(),
            insights=handlers.insights(),
            clusterwide=True,
            standalone=True,
            # Unused without peering, but kopf would derive it from the user's name, which a pod
            # doesn't have.
            identity="imagejob-operator",  # type: ignore[arg-type]  # a str of a private type
        )


def main() -> int:
    """Return 0 after a signal to stop, 3 when the lease was lost.

    2 is for invalid settings, and where they don't say how to reach an API server.
    """
    try:
        settings = from_environment({"IMAGEJOB_INSTANCE": socket.gethostname(), **os.environ})
    except SettingsError as error:
        print(f"imagejob-operator: {error}", file=sys.stderr)  # noqa: T201 (there is no log yet)
        return UNCONFIGURED
    logs.set_up(settings.log_level, settings.log_format)
    try:
        asyncio.run(operate(settings))
    except asyncio.CancelledError:
        return STOPPED
    except ConnectionConfigError as error:
        log.critical("cannot connect to an API server: %s", error)
        return UNCONFIGURED
    except LeaseLostError as error:
        log.critical("exiting, as the lease was lost: %s", error)
        return DEPOSED
    return STOPPED


if __name__ == "__main__":
    sys.exit(main())
