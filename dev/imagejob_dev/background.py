"""Starts, finds and stops the supervisor of a cluster in the background."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from imagejob_dev import state
from imagejob_dev.errors import DevError
from imagejob_dev.tools.find import find

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.progress import Progress
    from imagejob_dev.state import State

POLL_SECONDS = 0.05
STOP_SECONDS = 30.0
LAST_LINES = 30


def up(folder: Path, progress: Progress) -> State:
    """Start the cluster of `folder` unless it runs; return once it can be used."""
    if running := state.read(folder):
        return running
    state.forget(folder)  # a supervisor that was killed left it
    find(progress)  # here and not in the background, for a build takes minutes and is shown
    progress.start("starting the cluster")
    log = folder / "log" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "imagejob_dev", "supervise", "--dir", folder],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        started = _wait_until_up(process, folder, log)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    progress.done()
    # It is meant to outlive this process, which doesn't wait for it.
    process.returncode = 0
    return started


def down(folder: Path) -> bool:
    """Stop the cluster of `folder` and remove the folder; whether there was anything."""
    if not state.is_ours(folder):
        return False
    if running := state.read(folder):
        os.kill(running.supervisor, signal.SIGTERM)
        _wait_until_down(folder)
    elif state.is_supervised(folder):
        raise DevError(f"The cluster in {folder} is just starting or stopping; try again.")
    shutil.rmtree(folder)
    return True


def _wait_until_up(process: subprocess.Popen[bytes], folder: Path, log: Path) -> State:
    """The supervisor has deadlines of its own: this only asks whether it gave up."""
    while not (running := state.read(folder)):
        # It also gives up where another `up` was faster: then that one's cluster is waited for.
        if process.poll() is not None and not state.is_supervised(folder):
            lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
            raise DevError("The cluster did not start.\n" + "\n".join(lines))
        time.sleep(POLL_SECONDS)
    return running


def _wait_until_down(folder: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while state.is_supervised(folder):
        if time.monotonic() > deadline:
            raise DevError(f"The cluster in {folder} did not stop within {STOP_SECONDS:.0f} s.")
        time.sleep(POLL_SECONDS)
