"""Finds every program of the dev cluster, installing into a cache what this machine lacks."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev.progress import Progress
from imagejob_dev.tools import gobuild, prebuilt
from imagejob_dev.tools.catalogue import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imagejob_dev.tools.catalogue import Module


def find(
    progress: Progress | None = None, modules: Sequence[Module] = MODULES
) -> Mapping[str, Path]:
    """Program → where it is. Takes minutes the first time on a machine, nothing after.

    Looks in $KUBEBUILDER_ASSETS, then the cache; what neither has is fetched or built there.
    """
    progress = progress or Progress()
    return {name: path for module in modules for name, path in _find(module, progress).items()}


def locate(module: Module, program: str) -> Path | None:
    """Where `program` is already, or None."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    candidates = [Path(assets) / program] if assets else []
    candidates.append(cache() / module.stamp / program)
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "imagejob-operator" / "bin"


def _find(module: Module, progress: Progress) -> dict[str, Path]:
    if _missing(module):
        with _only_one(module, progress):
            # Another process may have installed them while this one waited for the lock.
            if missing := _missing(module):
                _install(module, missing, progress)
    return {name: path for name in module.programs if (path := locate(module, name))}


def _missing(module: Module) -> list[str]:
    return [program for program in module.programs if locate(module, program) is None]


def _install(module: Module, programs: Sequence[str], progress: Progress) -> None:
    """Programs appear in the cache by rename: a reader sees all of a file or none."""
    target = cache() / module.stamp
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=cache()) as folder:
        fresh = Path(folder)
        rest = list(programs)
        # If the first can't be fetched, neither can the others: don't wait again.
        while rest and prebuilt.fetch(module, rest[0], fresh, progress):
            rest.pop(0)
        if rest:
            gobuild.build(module, rest, fresh, progress)
        for program in programs:
            (fresh / program).replace(target / program)


@contextmanager
def _only_one(module: Module, progress: Progress) -> Iterator[None]:
    """Hold the module's lock: two builds at once would share the cores for the same result."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f".{module.stamp}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.start(f"waiting for another process that installs {module.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
            progress.done()
        yield
