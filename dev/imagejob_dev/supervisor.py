"""Keeps a cluster running in the background until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from imagejob_dev import state
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from imagejob_dev.cluster import Cluster
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


def supervise(folder: Path) -> int:
    """Start the cluster, write its state into the folder, restart what dies; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    with state.supervised(folder) as alone:
        if not alone:
            log.error("another supervisor runs in %s", folder)
            return 1
        state.forget(folder)
        try:
            with Cluster(folder) as cluster:
                cluster.install()
                kubeconfig = cluster.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR)
                _watch_over(cluster, folder, kubeconfig)
        except DevError as error:
            log.error("%s", error)  # noqa: TRY400 (its message is made for a person)
            return 1
        finally:
            state.forget(folder)


def _watch_over(cluster: Cluster, folder: Path, kubeconfig: Path) -> NoReturn:
    state.write(folder, state.describe(cluster, kubeconfig))
    log.info("up")
    while True:
        time.sleep(LOOK_SECONDS)
        if dead := [program for program in cluster.programs if program.died]:
            for program in dead:
                log.error("%s died and is started again. %s", program.name, program.log_end())
                program.launch()
            state.write(folder, state.describe(cluster, kubeconfig))


def _end(number: int, _frame: object) -> NoReturn:
    """Leave through every `with`. A second signal must not break into that."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    log.info("stopping: %s", signal.Signals(number).name)
    sys.exit(0)
