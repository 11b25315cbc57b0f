"""helm, with an environment that holds nothing of the caller's: no repositories, no plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev import command
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
    """See `imagejob_dev.command.run`."""
    return command.run([program(), *arguments], home, kubeconfig, stdin)
