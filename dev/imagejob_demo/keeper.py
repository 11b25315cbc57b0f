"""Keeps the operator, or a gateway, running beside a cluster in the background, and no longer than
that cluster.

    python -m imagejob_demo.keeper CLUSTER-FOLDER LOG [GATEWAY-FOLDER PORT]

The cluster's supervisor keeps the cluster's own programs only: it must serve operators that run
elsewhere, such as one under a debugger.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from imagejob_dev import state
from imagejob_dev.errors import DevError
from imagejob_dev.gateways import gateway
from imagejob_dev.guard import Guard
from imagejob_dev.operators import WORKER_IMAGE, operator
from imagejob_dev.ports import LOOPBACK

if TYPE_CHECKING:
    from imagejob_dev.program import Program
    from imagejob_dev.state import State

LOOK_MILLISECONDS = 500
SOON_SECONDS = 5.0
"""What dies sooner than this after its start would die again: that ends the keeper."""


def keep(folder: Path, log: Path, *which: str) -> int:
    """Until SIGTERM or the end of the cluster. Exit code; 1 if it can't run."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    cluster = state.read(folder)
    if not cluster:
        print(f"nothing runs in {folder}", file=sys.stderr)
        return 1
    guard = Guard()
    kept = _gateway(log, guard, *which) if which else _operator(cluster, log, guard)
    try:
        return _watch_over(kept, cluster)
    finally:
        kept.stop()
        guard.close()


def _operator(cluster: State, log: Path, guard: Guard) -> Program:
    """Under its own account: a missing right shows here, and not in production."""
    settings = {
        "worker_image": WORKER_IMAGE,
        "instance": "demo",
        "internal_cidrs": f"{LOOPBACK}/32",  # where the cluster's S3 server is
    }
    return operator(cluster.operator_kubeconfig, log, guard, settings, grace=5.0)


def _gateway(log: Path, guard: Guard, folder: str, port: str) -> Program:
    """As _operator; door.py has made what is in the folder."""
    settings, account = (Path(folder) / name for name in ("settings.json", "kubeconfig"))
    return gateway(account, log, guard, settings, int(port))


def _watch_over(kept: Program, cluster: State) -> int:
    supervisor = select.poll()
    supervisor.register(os.pidfd_open(cluster.supervisor), select.POLLIN)
    kept.launch()
    began = time.monotonic()
    while not supervisor.poll(LOOK_MILLISECONDS):
        if not kept.died:
            continue
        if time.monotonic() - began < SOON_SECONDS:
            return 1
        kept.launch()
        began = time.monotonic()
    return 0


def _end(_number: int, _frame: object) -> NoReturn:
    """Leave through `finally`. A second signal must not break into that."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    try:
        sys.exit(keep(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
    except DevError as error:
        sys.exit(str(error))
