"""This checkout's upload gateway as a process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from imagejob_dev.program import Program
from imagejob_dev.rest import over_http

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imagejob_dev.guard import Guard

ACCOUNT = "imagejob-gateway"
"""Of the chart, which also gives it its rights."""

RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap")
"""The kinds of the chart that are its account, its rights, and the state that they are for."""

PROGRAM = ("-m", "imagejob_gateway")
READY = "/api/v1/health/ready"


def gateway(
    kubeconfig: Path,
    log: Path,
    guard: Guard,
    settings: Path,
    port: int,
    program: Sequence[str | Path] = PROGRAM,
) -> Program:
    """Not started yet. `settings` is its file, which has it listen on `port` of this machine.

    `program` is the Python program to run in its place.
    """
    rest = over_http(port)
    return Program(
        [sys.executable, *program],
        log,
        guard,
        ready=lambda: rest.answers(READY),
        environment={"KUBECONFIG": str(kubeconfig), "IMAGEJOB_GATEWAY_CONFIG": str(settings)},
        grace=10.0,
    )
