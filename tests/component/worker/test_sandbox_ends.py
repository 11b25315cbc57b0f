"""No process of a sandbox outlives its parent, and none ends because of another's pipe."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from support.conditions import alive, until
from support.paths import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator


STOPPED_AT_BIRTH = """
import os, sys
from signal import SIGHUP, SIGINT, SIGTERM, signal
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.children import Bench, make
fork = os.fork
def stopped() -> int:
    if (child := fork()) == 0:
        os.kill(os.getpid(), {number})
    return child
os.fork = stopped
for each in (SIGHUP, SIGINT, SIGTERM):
    signal(each, lambda *_: sys.exit("unwound"))
try:
    print(len(Bench(Path({root!r})).run(*[make] * {items})))
finally:
    print("cleaned up")
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("items", [1, 2])
def test_a_slot_that_is_stopped_at_its_start_continues(
    tmp_path: Path, number: signal.Signals, items: int
) -> None:
    script = STOPPED_AT_BIRTH.format(
        tests=str(TESTS), root=str(tmp_path), number=int(number), items=items
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=20
    )

    assert (ended.stdout, ended.stderr) == (f"{items}\ncleaned up\n", "")


WAITING = """
import signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.children import Bench
root = Path({root!r})
def wait(place):
    (root / f"at-work-{{place.name}}").touch()
    signal.pause()
Bench(root).run(*[wait] * {items}, parallelism=2, timeout=60)
"""


@contextmanager
def waiting(root: Path, items: int) -> Iterator[subprocess.Popen[bytes]]:
    """A worker whose children, one for each item, never finish."""
    script = WAITING.format(tests=str(TESTS), root=str(root), items=items)
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: len(list(root.glob("at-work-*"))) == items)
            yield process
        finally:
            process.kill()


def descendants(process: subprocess.Popen[bytes], count: int) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == count
    return children


@pytest.mark.parametrize(("items", "processes"), [(1, 1), (2, 4)])
def test_no_child_outlives_a_worker_that_is_killed(
    tmp_path: Path, items: int, processes: int
) -> None:
    with waiting(tmp_path, items) as worker:
        children = descendants(worker, processes)

        worker.kill()

        until(lambda: not any(alive(child.pid) for child in children))


def test_no_child_outlives_its_killed_fork_server(tmp_path: Path) -> None:
    with waiting(tmp_path, 2) as worker:
        children = descendants(worker, 4)
        (first,) = psutil.Process(worker.pid).children()
        (orphan,) = [child for child in first.children() if not child.children()]

        first.kill()

        until(lambda: not alive(orphan.pid))
        assert children
