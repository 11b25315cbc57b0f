"""helm, with an environment that holds nothing of the caller's: no repositories, no plugins."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError
from imagejob_dev.tools.catalogue import HELM
from imagejob_dev.tools.find import find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def program() -> Path:
    """Where it is; built, the first time on a machine."""
    return find(modules=(HELM,))["helm"]


def run(
    home: Path,
    arguments: Sequence[str | Path],
    kubeconfig: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Its output; DevError with its message if it fails. It keeps its files below `home`.

    Without `kubeconfig` it reaches no cluster.
    """
    words = [str(argument) for argument in arguments]
    done = subprocess.run(
        [program(), *words],
        env={"HOME": str(home), "PATH": os.defpath, "KUBECONFIG": str(kubeconfig or os.devnull)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DevError(f"helm {shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout
