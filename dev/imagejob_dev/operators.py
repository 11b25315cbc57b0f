"""This checkout's operator as a process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from imagejob_dev.program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from imagejob_dev.guard import Guard

WORKER_IMAGE = "imagejob/worker:dev"
"""Any name: the process node runs the worker of this checkout for every image."""

PROGRAM = ("-m", "imagejob_operator")

SETTINGS = {
    "leader_election": "false",
    "trust_requester": "true",
    "trust_on_behalf_of": "true",
    "log_format": "text",
}
"""Of an operator that is alone: it need not wait for a lease that its predecessor held. People read
its log."""


def operator(
    kubeconfig: str | Path,
    log: Path,
    guard: Guard,
    settings: Mapping[str, str],
    grace: float = 10.0,
    program: Sequence[str | Path] = PROGRAM,
) -> Program:
    """Not started yet. `settings` are IMAGEJOB_ variables without the prefix, in lower case.

    `program` is what Python is to run as the operator.
    """
    chosen = SETTINGS | dict(settings)
    variables = {f"IMAGEJOB_{name.upper()}": value for name, value in chosen.items()}
    return Program(
        [sys.executable, *program],
        log,
        guard,
        ready=lambda: True,
        environment={"KUBECONFIG": str(kubeconfig), **variables},
        grace=grace,
    )
