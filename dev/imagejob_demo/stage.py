"""What the demo plays on: a cluster in the background, the operator beside it, kubectl."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev import background, command
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from imagejob_dev.progress import Progress
    from imagejob_dev.state import State

NAMESPACE = "team-photos"
LAST_LINES = 15


@dataclass(frozen=True)
class Paths:
    """Where everything is. `root` is the demo's folder; all in it may be removed at any time."""

    root: Path

    @property
    def cluster(self) -> Path:
        """The cluster's own folder: programs' logs, pods, and the buckets as plain folders."""
        return self.root / "cluster"

    @property
    def uploads(self) -> Path:
        """The photos and the bad uploads, before anything happened to them."""
        return self.root / "uploads"

    @property
    def kubeconfig(self) -> Path:
        """As the cluster's, with the demo's namespace in it, so that commands stay short."""
        return self.root / "kubeconfig"

    @property
    def store(self) -> Path:
        """Secret and ImageStore, which are others in each run."""
        return self.root / "store.yaml"

    @property
    def sheet(self) -> Path:
        """The contact sheet."""
        return self.root / "contact-sheet.png"

    @property
    def operator_log(self) -> Path:
        """The operator's audit lines and log."""
        return self.root / "operator.log"

    @property
    def gateway(self) -> Path:
        """The gateway's settings, key, credentials and kubeconfig."""
        return self.root / "gateway"

    @property
    def gateway_log(self) -> Path:
        return self.root / "gateway.log"

    @property
    def keeper(self) -> Path:
        """The process that keeps the operator."""
        return self.root / "keeper.pid"

    @property
    def gateway_keeper(self) -> Path:
        """The process that keeps the gateway."""
        return self.root / "gateway-keeper.pid"

    @property
    def kept_logs(self) -> Path:
        """The logs of a run that failed: its cluster is gone, and its folder with it."""
        return self.root / "failed-run"

    def prepare(self) -> None:
        """Make the root, and keep git from seeing it."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / ".gitignore").write_text("*\n")


@dataclass(frozen=True)
class Stage:
    """What is running."""

    paths: Paths
    cluster: State
    keeper: subprocess.Popen[bytes]

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Its output; DevError with its message if it fails."""
        paths = self.paths
        return command.run([self.cluster.kubectl, *arguments], paths.root, paths.kubeconfig, stdin)

    def assert_operator(self) -> None:
        """DevError with the end of its log if the operator is gone."""
        if self.keeper.poll() is not None:
            raise DevError(f"the operator ended. {log_end(self.paths.operator_log)}")


def build(paths: Paths, progress: Progress) -> Stage:
    """Start everything. If that fails, `strike` takes down what has been started."""
    cluster = background.up(paths.cluster, progress)
    shutil.copy(cluster.kubeconfig, paths.kubeconfig)
    stage = Stage(paths, cluster, _keep(paths, paths.operator_log, paths.keeper))
    stage.kubectl("create", "namespace", NAMESPACE)
    stage.kubectl("config", "set-context", "--current", f"--namespace={NAMESPACE}")
    return stage


def keep_gateway(paths: Paths, port: int) -> None:
    """Start the gateway of the folder `paths.gateway`, and keep it."""
    _keep(paths, paths.gateway_log, paths.gateway_keeper, paths.gateway, str(port))


def _keep(paths: Paths, output: Path, pid: Path, *which: str | Path) -> subprocess.Popen[bytes]:
    """Start a process that keeps the operator, or, with a folder and a port, the gateway."""
    with output.open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "imagejob_demo.keeper", paths.cluster, output, *which],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the demo, which then strikes the stage
        )
    pid.write_text(str(keeper.pid))
    return keeper


def strike(paths: Paths) -> bool:
    """Stop everything; whether there was anything.

    Gateway and operator go first: without their API server they could only complain.
    """
    for pid in (paths.gateway_keeper, paths.keeper):
        with _keeper(paths, pid) as keeper:
            if keeper:
                signal.pidfd_send_signal(keeper, signal.SIGTERM)
                _wait_for_end(keeper)
        pid.unlink(missing_ok=True)
    shutil.rmtree(paths.gateway, ignore_errors=True)
    found = background.down(paths.cluster)
    # What is left of a start that was broken off before there was a supervisor.
    shutil.rmtree(paths.cluster, ignore_errors=True)
    return found


def keep_logs(paths: Paths) -> Path | None:
    """Copy the logs out of the cluster's folder, which goes with the cluster."""
    shutil.rmtree(paths.kept_logs, ignore_errors=True)
    for part in ("log", "pods"):
        with suppress(OSError):
            shutil.copytree(paths.cluster / part, paths.kept_logs / part)
    return paths.kept_logs if paths.kept_logs.exists() else None


def log_end(log: Path) -> str:
    """The last lines of a log, with its name."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"The end of {log}:", *lines[-LAST_LINES:]])


@contextmanager
def _keeper(paths: Paths, file: Path) -> Iterator[int | None]:
    """A pidfd of the keeper; None if none runs, or if its number belongs to another process now."""
    try:
        pid = int(file.read_text())
        descriptor = os.pidfd_open(pid)
    except (OSError, ValueError):
        yield None
        return
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        yield descriptor if str(paths.cluster).encode() in command else None
    except FileNotFoundError:
        yield None
    finally:
        os.close(descriptor)


def _wait_for_end(descriptor: int, seconds: float = 15.0) -> None:
    """A pidfd becomes readable when its process ends."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(seconds * 1000):
        raise DevError(f"a keeper did not stop within {seconds:.0f} s")
