"""Programs that run to their end, with an environment that holds nothing of the caller's."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(
    command: Sequence[str | Path],
    home: Path,
    kubeconfig: Path | None = None,
    stdin: str | None = None,
    path: str = os.defpath,
) -> str:
    """What it prints; DevError with the command, its exit code and its words if it fails.

    It keeps its files below `home`, and finds programs of its own on `path`. Without `kubeconfig`
    it reaches no cluster.
    """
    done = subprocess.run(
        command,
        env={"HOME": str(home), "KUBECONFIG": str(kubeconfig or os.devnull), "PATH": path},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        program, *arguments = map(str, command)
        called = shlex.join([Path(program).name, *arguments])
        words = "\n".join(filter(None, (done.stderr.strip(), done.stdout.strip())))
        raise DevError(f"{called} ended with {done.returncode}: {words}")
    return done.stdout
