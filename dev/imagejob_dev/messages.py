"""What the commands say, for a person to read and to paste."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_dev.state import State


def up(state: State, folder: Path, kubectl: str | None) -> str:
    """`kubectl` is the user's own, if there is one on the PATH."""
    path = "" if kubectl else f"\n  export PATH=$PATH:{Path(state.kubectl).parent}"
    return f"""\
The cluster is up. To use it, paste:

  export KUBECONFIG={state.kubeconfig}{path}
  export AWS_ENDPOINT_URL={state.s3_endpoint} AWS_REGION={state.s3_region}
  export AWS_ACCESS_KEY_ID={state.s3_access_key}
  export AWS_SECRET_ACCESS_KEY={state.s3_secret_key}

Then:

  kubectl get nodes                         the machine as a node
  kubectl explain imagejob.spec.outputs     the API, explained
  python -m imagejob_dev status             what runs
  python -m imagejob_dev down               stop it all

The operator has an account of its own: KUBECONFIG={state.operator_kubeconfig}
Programs log to {folder}/log, pods to {folder}/pods/NAMESPACE/POD/CONTAINER.log"""


def status(state: State | None, folder: Path) -> str:
    if state is None:
        return f"Nothing runs in {folder}. Start it with: python -m imagejob_dev up"
    width = max(len(program.name) for program in state.programs)
    lines = [
        f"  {program.name:{width}}  {_liveness(program.pid):12}  {program.log}"
        for program in state.programs
    ]
    return "\n".join(
        [
            f"The cluster in {folder} is up.",
            "",
            *lines,
            "",
            f"  kubeconfig  {state.kubeconfig}",
            f"  S3          {state.s3_endpoint}",
            f"  pods' logs  {folder}/pods/NAMESPACE/POD/CONTAINER.log",
        ]
    )


def tools(programs: Mapping[str, Path]) -> str:
    width = max(map(len, programs))
    return "\n".join(f"{name:{width}}  {path}" for name, path in programs.items())


def _liveness(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "not running"
    return f"pid {pid}"
