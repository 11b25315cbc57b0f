"""What to look at once the demo is through."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_demo.bucket import NAME

if TYPE_CHECKING:
    from imagejob_demo.stage import Stage

FAREWELL = """\
[bold green]All 12 ended as they must[/bold green], and so did the upload with curl; \
the bucket holds what their statuses say ({seconds:.0f} s).

  {sheet}   [dim]before and after, to look at[/dim]
  {bucket}   [dim]the bucket, as a folder[/dim]

The cluster stays up. To look around:

  export KUBECONFIG={kubeconfig}{path}
  kubectl get ij                         [dim]all twelve: phase, reason, outputs[/dim]
  kubectl describe ij lighthouse         [dim]one of them, as a story[/dim]
  kubectl get ij bomb -o yaml            [dim]why a bad one failed[/dim]
  kubectl explain imagejob.spec.outputs  [dim]what else there is to ask for[/dim]
  kubectl delete ij dunes
  kubectl apply -f examples/demo/photos.yaml   [dim]makes only what is missing[/dim]

The same photos with no cluster at all, from folder to folder:

  .venv/bin/imagejob run examples/profile-web.yaml examples/demo/photos.yaml \\
    --store uploads={uploads}

Logs: {operator}, {gateway}, {cluster}/log, {cluster}/pods
Stop it all and remove the cluster:  [bold]make demo-down[/bold]"""


def farewell(running: Stage, seconds: float) -> str:
    """Commands to paste, in the markup of rich."""
    paths, kubectl = running.paths, Path(running.cluster.kubectl)
    return FAREWELL.format(
        seconds=seconds,
        sheet=short(paths.sheet),
        bucket=short(paths.cluster / "s3" / NAME),
        kubeconfig=paths.kubeconfig,
        path="" if shutil.which("kubectl") else f" PATH=$PATH:{kubectl.parent}",
        uploads=short(paths.uploads),
        operator=short(paths.operator_log),
        gateway=short(paths.gateway_log),
        cluster=short(paths.cluster),
    )


def short(path: Path) -> Path:
    """As one would type it here."""
    here = Path(os.curdir).resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
