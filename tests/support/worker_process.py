"""Runs the worker as the cluster does: a process with an order in its environment.

A few lines here decode the report, from docs/work-order.md, independently of the worker's code.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil

FORMATS = ("jpeg", "png", "webp", "avif", "gif", "tiff")
KINDS = ("exif", "gps", "xmp", "iptc", "icc", "comment", "text", "thumbnail", "trailing", "other")
EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}
SAMPLE_SECONDS = 0.02

# Starts a program and writes the peak memory of its tree's largest process, in KiB. It is a small
# process in between, because the kernel counts a program's peak from before its exec.
_USAGE = (
    "-S",
    "-E",
    "-c",
    """if True:
    import os, sys
    told, *program = sys.argv[1:]
    os.set_inheritable(int(told), False)
    child = os.posix_spawn(program[0], program, os.environ)
    _, status, usage = os.wait4(child, 0)
    os.write(int(told), b"%d" % usage.ru_maxrss)
    sys.exit(os.waitstatus_to_exitcode(status))
""",
)


@dataclass(frozen=True)
class Ended:
    """How one item ended: `reason` is `Succeeded`, a failure's, `NeedsMemory` (with so many bytes
    for a message), or `Read`: unfinished."""

    reason: str
    message: str = ""
    milliseconds: int = 0
    source: tuple[Any, ...] = ()
    removed: frozenset[str] = frozenset()
    notes: int = 0
    outputs: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class Run:
    """`largest`: peak of the largest process, as the kernel counts; `tree`: of all, sampled."""

    exit_code: int
    ended: tuple[Ended | None, ...]
    log: str
    seconds: float
    largest: int
    tree: int


@dataclass
class Workplace:
    """The folders that a worker finds in its pod."""

    root: Path
    stores: Path = field(init=False)
    scratch: Path = field(init=False)
    report: Path = field(init=False)

    def __post_init__(self) -> None:
        self.stores, self.scratch = self.root / "stores", self.root / "scratch"
        self.report = self.root / "termination-log"
        for folder in (self.stores, self.scratch):
            folder.mkdir(parents=True)
        self.report.touch()

    def put(self, store: str, key: str, data: bytes) -> None:
        path = self.stores / store / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def output(self, item: dict[str, Any], number: int, made: str | None = None) -> bytes:
        """The file at the output's place; `made` is its format if it was `auto`."""
        wanted, place = item["outputs"][number], item["destination"]
        name = f"{wanted['name']}.{EXTENSIONS[made or wanted['format']]}"
        return (self.stores / place["store"] / place["prefix"] / name).read_bytes()

    def run(
        self,
        order: dict[str, Any] | str,
        program: Sequence[str] = ("-m", "imagejob_worker"),
        **environment: str,
    ) -> Run:
        """Start a worker, wait for it, decode its report. `order` may be the text itself."""
        text = order if isinstance(order, str) else encoded(order)
        usage, told = os.pipe()
        process = subprocess.Popen(
            [sys.executable, *_USAGE, str(told), sys.executable, "-W", "error", *program],
            env=self.environment(text) | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.root,
            pass_fds=[told],
        )
        os.close(told)
        with _Watch(process.pid) as watch, process, os.fdopen(usage) as largest:
            log = process.stdout.read().decode(errors="replace")
            kibibytes = int(largest.read())
        return Run(
            exit_code=process.returncode,
            ended=decoded(self.report.read_text("ascii")),
            log=log,
            seconds=watch.seconds,
            largest=kibibytes * 1024,
            tree=watch.peak,
        )

    def environment(self, order: str) -> dict[str, str]:
        """Of a worker with this order, as text."""
        return {
            "PATH": os.environ["PATH"],
            "IMAGEJOB_ORDER": order,
            "IMAGEJOB_STORES": str(self.stores),
            "IMAGEJOB_SCRATCH": str(self.scratch),
            "IMAGEJOB_REPORT": str(self.report),
        }


class _Watch:
    """Samples the memory of a process and its descendants (proportional set size) while it runs."""

    def __init__(self, pid: int) -> None:
        self.process, self.peak = psutil.Process(pid), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Self:
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._start
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            total = 0
            try:
                for process in (self.process, *self.process.children(recursive=True)):
                    total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # one of them has just ended: the next sample counts again
            self.peak = max(self.peak, total)


def encoded(order: dict[str, Any]) -> str:
    return base64.b64encode(msgspec.json.encode(order)).decode()


def decoded(report: str) -> tuple[Ended | None, ...]:
    """The entries of a report; none if it is empty."""
    if not report:
        return ()
    prefix, text = report[:4], report[4:].strip()
    if prefix != "ij1:":
        raise ValueError(f"not a report: {report[:40]!r}")
    entries = msgspec.msgpack.decode(base64.b85decode(text))
    return tuple(None if entry is None else _ended(*entry) for entry in entries)


def _ended(kind: int, *rest: Any) -> Ended:
    if kind == 2:
        reason, message, milliseconds, source = rest
        return Ended(reason, message, milliseconds, tuple(source or ()))
    if kind == 4:
        return Ended("NeedsMemory", str(rest[1]), source=tuple(rest[0]))
    if kind == 3:
        return Ended("Read", source=tuple(rest[0]))
    source, milliseconds, removed, notes, outputs = rest
    kinds = frozenset(name for bit, name in enumerate(KINDS) if removed >> bit & 1)
    made = tuple(tuple(output) for output in outputs)
    return Ended("Succeeded", "", milliseconds, tuple(source), kinds, notes, made)


def item(key: str, outputs: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """An item that reads `key` of the store `box` and writes to `out/<key>`."""
    return {
        "uid": key,
        "source": {"store": "box", "key": key},
        "destination": {"store": "box", "prefix": f"out/{key}"},
        "outputs": outputs,
        "limits": {"maxBytes": 50 << 20, "maxPixels": 50_000_000, "maxFrames": 100},
        "timeoutSeconds": 60,
    } | changes


def order(items: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """An order over one volume store, `box`, that allows every format, and S3 on this machine."""
    return {
        "version": 1,
        "formats": list(FORMATS),
        "parallelism": 1,
        "childMemoryBytes": 384 << 20,
        "stores": {"box": {"volume": {}}},
        "internalCidrs": ["127.0.0.1/32"],
        "items": items,
    } | changes
