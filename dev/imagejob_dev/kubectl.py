"""kubectl, with an environment that holds nothing of ours."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def run(
    program: str | Path,
    kubeconfig: Path,
    home: Path,
    arguments: Sequence[str | Path],
    stdin: str | None = None,
) -> str:
    """Its output; DevError with its message if it fails."""
    words = [str(argument) for argument in arguments]
    done = subprocess.run(
        [program, *words],
        env={"KUBECONFIG": str(kubeconfig), "HOME": str(home), "PATH": os.defpath},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DevError(f"kubectl {shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout
