"""What a cluster in the background leaves in its folder for those who look for it."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.cluster import Cluster


class Running(msgspec.Struct, frozen=True):
    """One program of the cluster."""

    name: str
    pid: int
    log: str


class State(msgspec.Struct, frozen=True):
    """All that one needs to use a running cluster. With credentials: for its owner only."""

    supervisor: int
    kubeconfig: str
    operator_kubeconfig: str
    kubectl: str
    s3_endpoint: str
    s3_region: str
    s3_access_key: str
    s3_secret_key: str
    programs: list[Running]


def default_folder(name: str) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "imagejob-operator" / name


def describe(cluster: Cluster, operator_kubeconfig: Path) -> State:
    return State(
        supervisor=os.getpid(),
        kubeconfig=str(cluster.kubeconfig),
        operator_kubeconfig=str(operator_kubeconfig),
        kubectl=str(cluster.kubectl_program),
        s3_endpoint=cluster.s3.endpoint,
        s3_region=cluster.s3.region,
        s3_access_key=cluster.s3.credentials.access_key,
        s3_secret_key=cluster.s3.credentials.secret_key,
        programs=[
            Running(each.name, each.pid, str(each.log)) for each in cluster.programs if each.pid
        ],
    )


def write(folder: Path, state: State) -> None:
    """Whole or not at all: others read it at any moment."""
    fresh = folder / ".state.json"
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    fresh.replace(_file(folder))


def read(folder: Path) -> State | None:
    """None unless a supervisor lives and its cluster is up."""
    if not _file(folder).exists() or not is_supervised(folder):
        return None
    return msgspec.json.decode(_file(folder).read_bytes(), type=State)


def forget(folder: Path) -> None:
    _file(folder).unlink(missing_ok=True)


@contextmanager
def supervised(folder: Path, patience: float = 1.0) -> Iterator[bool]:
    """Be the folder's one supervisor; False if there is one. A lock can't outlive its process.

    `patience`, because `is_supervised` holds the lock for a moment too.
    """
    deadline = time.monotonic() + patience
    with _lock_file(folder).open("w") as lock:
        while not (locked := _try_lock(lock)) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield locked


def is_supervised(folder: Path) -> bool:
    if not _lock_file(folder).exists():
        return False
    with supervised(folder, patience=0) as nobody_else:
        return not nobody_else


def is_ours(folder: Path) -> bool:
    """Whether a cluster lived in the folder, so that it may be removed."""
    return _lock_file(folder).exists()


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(folder: Path) -> Path:
    return folder / "state.json"


def _lock_file(folder: Path) -> Path:
    return folder / ".imagejob-dev.lock"
