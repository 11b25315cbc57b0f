"""The whole worker, from `python -m imagejob_worker` to its exit, against a real S3 server.

CPU time is the kernel's account of the process and all its descendants (wait4), server excluded.
It is told in units of `python -c pass`, run in turn with it, for that is what a faster or a slower
machine changes alike. Memory is sampled in runs of their own, for looking costs time too.
"""

from __future__ import annotations

import base64
import compileall
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import imagejob_worker
from imagejob_dev.guard import Guard
from imagejob_dev.ports import free_ports
from imagejob_dev.s3 import REGION, S3Server
from imagejob_dev.tools.catalogue import VERSITYGW
from imagejob_dev.tools.find import find
from imagejob_worker.contract import report

from imagebench.figures import Row
from imagebench.processes import Ended, Watched, wait, watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUCKET, KEY, PREFIX, NAME, STORE = "benchmark", "incoming/photo.jpg", "derived", "small", "uploads"
WIDTH = 400
BASELINE = (sys.executable, "-c", "pass")
WORKER = (sys.executable, "-m", "imagejob_worker")


class Worker:
    """One order, ready to be done again and again. `folder` holds all that the worker touches."""

    def __init__(self, server: S3Server, source: Path, folder: Path) -> None:
        self._folder = folder
        self._bucket = server.folder / BUCKET
        self._output = self._bucket / PREFIX / f"{NAME}.jpg"
        object_ = self._bucket / KEY
        object_.parent.mkdir(parents=True)
        shutil.copyfile(source, object_)
        secret = folder / "stores" / STORE
        secret.mkdir(parents=True)
        (secret / "AWS_ACCESS_KEY_ID").write_text(server.credentials.access_key)
        (secret / "AWS_SECRET_ACCESS_KEY").write_text(server.credentials.secret_key)
        order = json.dumps(_order(server.endpoint)).encode()
        self.variables = {
            "IMAGEJOB_ORDER": base64.b64encode(order).decode(),
            "IMAGEJOB_STORES": str(folder / "stores"),
            "IMAGEJOB_SCRATCH": str(folder / "scratch"),
            "IMAGEJOB_REPORT": str(folder / "report"),
        }
        (folder / "scratch").mkdir()

    def run(self, command: Sequence[str] = WORKER) -> Ended:
        """Do the order once; see that it was done. `command` is the worker, in whatever way."""
        process = self._start(command)
        ended = wait(process)
        self._check(ended)
        return ended

    def watch(self) -> Watched:
        """The same, with an eye on memory."""
        process = self._start()
        watched = watch(process)
        self._check(wait(process))
        return watched

    def _start(self, command: Sequence[str] = WORKER) -> subprocess.Popen[bytes]:
        (self._folder / "report").write_text("")
        self._output.unlink(missing_ok=True)
        with (self._folder / "worker.log").open("wb") as log:
            environment = clean_environment() | self.variables
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _check(self, ended: Ended) -> None:
        """A run that fails is fast, and must not count."""
        (entry,) = report.decode((self._folder / "report").read_text())
        if ended.code or not isinstance(entry, report.Done):
            log = (self._folder / "worker.log").read_text()
            raise RuntimeError(f"the worker ended with code {ended.code}: {entry}\n{log}")
        if entry.outputs[0].width != WIDTH or self._output.stat().st_size != entry.outputs[0].bytes:
            raise RuntimeError(f"the worker stored something else than it says: {entry}")


class Measured(NamedTuple):
    """What came of it; `samples` is how often memory was looked at."""

    worker: Row
    baseline: Row
    samples: int


def measure(source: Path, runs: int, watches: int, folder: Path) -> Measured:
    """Run the worker in turn with `python -c pass`, then again to see its memory."""
    compile_all()
    with s3_server(folder) as server:
        worker = Worker(server, source, folder)
        for _ in range(3):  # a rehearsal: files into the page cache
            worker.run()
            _baseline()
        pairs = [(worker.run().cpu, _baseline().cpu) for _ in range(runs)]
        watched = [worker.watch() for _ in range(watches)]
    ours, baseline = (list(side) for side in zip(*pairs, strict=True))
    peak = max(each.peak for each in watched)
    return Measured(
        Row("imagejob worker", ours, peak, _versions()),
        Row("python -c pass", baseline, 0),
        sum(each.samples for each in watched),
    )


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("pillow", "obstore", "msgspec")}
    return packages | {VERSITYGW.name: VERSITYGW.version}


def clean_environment() -> dict[str, str]:
    """As a pod's: without settings for Python, such as not to write or to read .pyc files."""
    return {"PATH": os.environ["PATH"]}


def compile_all() -> None:
    """Compile the worker, as the image's build does; the rehearsal compiles what it imports."""
    for folder in imagejob_worker.__path__:
        compileall.compile_dir(folder, quiet=1)


def _baseline() -> Ended:
    return wait(subprocess.Popen(BASELINE, env=clean_environment()))


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """versitygw, over a folder of its own; fetched or built if this machine lacks it."""
    program = find(modules=[VERSITYGW])["versitygw"]
    guard = Guard()
    try:
        (port,) = free_ports(1)
        server = S3Server(program, folder / "s3", folder / "s3.log", port, guard)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        guard.close()


def _order(endpoint: str) -> dict[str, Any]:
    return {
        "version": 1,
        "formats": ["jpeg", "png", "webp"],
        "parallelism": 1,
        "childMemoryBytes": 384 << 20,
        "internalCidrs": ["127.0.0.1/32"],
        "stores": {STORE: {"s3": {"endpoint": endpoint, "region": REGION, "bucket": BUCKET}}},
        "items": [
            {
                "uid": "0b5e6a3e-3f0c-4d55-a1a9-3a3f0a3c1d11",
                "source": {"store": STORE, "key": KEY},
                "destination": {"store": STORE, "prefix": PREFIX},
                "outputs": [{"name": NAME, "width": WIDTH, "format": "jpeg"}],
                "limits": {"maxBytes": 50 << 20, "maxPixels": 50_000_000, "maxFrames": 1},
            }
        ],
    }
