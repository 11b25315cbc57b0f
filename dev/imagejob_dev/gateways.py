"""This checkout's upload gateway as a process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from imagejob_dev.program import Program
from imagejob_dev.rest import over_http

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.guard import Guard

ACCOUNT = "imagejob-gateway"
"""Of the chart, which also gives it its rights."""

READY = "/api/v1/health/ready"


def gateway(kubeconfig: Path, log: Path, guard: Guard, settings: Path, port: int) -> Program:
    """Not started yet. `settings` is its file, which has it listen on `port` of this machine."""
    rest = over_http(port)
    return Program(
        [sys.executable, "-m", "imagejob_gateway"],
        log,
        guard,
        ready=lambda: rest.answers(READY),
        environment={"KUBECONFIG": str(kubeconfig), "IMAGEJOB_GATEWAY_CONFIG": str(settings)},
        grace=10.0,
    )
