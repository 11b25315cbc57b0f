"""This checkout's operator as a process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from imagejob_dev.program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from imagejob_dev.guard import Guard

WORKER_IMAGE = "imagejob/worker:dev"
"""For the process node, which runs the worker of this checkout whatever the image is called."""


def operator(
    kubeconfig: str | Path,
    log: Path,
    guard: Guard,
    settings: Mapping[str, str],
    grace: float = 10.0,
) -> Program:
    """Not started yet. `settings` are IMAGEJOB_ variables without the prefix, in lower case."""
    variables = {f"IMAGEJOB_{name.upper()}": value for name, value in settings.items()}
    return Program(
        [sys.executable, "-m", "imagejob_operator"],
        log,
        guard,
        ready=lambda: True,
        environment={"KUBECONFIG": str(kubeconfig), **variables},
        grace=grace,
    )
